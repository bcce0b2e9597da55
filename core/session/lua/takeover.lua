-- Oldest wins: who holds the seats, and the ticket by which a login that was denied
-- may take one over. For claim.lua.

local LEASE = 75000        -- ms: a holder that nobody saw for that long blocks nobody
local TICKET_LIFE = 60000  -- ms
local MAX_TICKETS = 64     -- used ones of an account: then none is good until some have ended
local FLAPS = 3            -- returns of one client within FLAP_TIME that are too many
local FLAP_TIME = 60000    -- ms
local MAX_CLIENTS = 64     -- of one account whose returns are counted

-- fields yields those of M with a prefix, without the ones that have ended.
local function fields(prefix)
  local flat, live = redis.call('HGETALL', M), 0
  for i = 1, #flat, 2 do
    if string.sub(flat[i], 1, #prefix) == prefix then
      if num(cjson.decode(flat[i + 1]).x) <= now then redis.call('HDEL', M, flat[i]) else live = live + 1 end
    end
  end
  return live
end

-- takes_over uses a ticket up; that it is this login's, its node has seen.
local function takes_over(nonce, ends)
  if nonce == '' or num(ends) <= now or num(ends) > now + TICKET_LIFE then return false end
  local key = 't:' .. nonce
  if redis.call('HEXISTS', M, key) == 1 or fields('t:') >= MAX_TICKETS then return false end
  redis.call('HSET', M, key, cjson.encode({x = ends}))
  return true
end

local function tell_holders(list)
  local out = {}
  for i, h in ipairs(list) do
    if i > 8 then break end
    out[i] = {s = h.e.s, ip = h.e.ip, d = h.e.d, a = h.e.a, l = h.e.l}
  end
  return cjson.encode(out)
end

-- returns_too_often counts that a displaced client is about to displace in turn.
local function returns_too_often(client)
  local key = 'f:' .. client
  local raw = redis.call('HGET', M, key)
  local f = {n = '0', x = str(now + FLAP_TIME)}
  if raw then
    local kept = cjson.decode(raw)
    if num(kept.x) > now then f = kept end
  elseif fields('f:') >= MAX_CLIENTS then
    return false
  end
  f.n = str(num(f.n) + 1)
  local often = num(f.n) >= FLAPS
  if often then f.x = str(now + FLAP_TIME) end -- frozen for a minute from here
  redis.call('HSET', M, key, cjson.encode(f))
  return often
end
