-- claim admits a login, or says why not. In this order: dead, same, rotated,
-- denied, stale, dead by its device, and else live, which displaces the
-- lowest-ranked holders. Idempotent: a retry finds itself live, with its own sid.
--
-- ARGV: 1 identity, 2 entry (s t b d ip ua lt), 3 ms of life left or "",
--   4 identity of the login that this token was refreshed from, or "",
--   5 "1": the login was observed, 6 "1": clients are known by their device,
--   7 limit, 8 remember in ms, 9 an epoch, should the account need one,
--   10 account name, 11 account hash, 12 event channel, 13 claims per minute
-- Status: live, same, rotated, stale, dead, denied, busy
local id, me, life, pred = ARGV[1], cjson.decode(ARGV[2]), ARGV[3], ARGV[4]
local observed, by_device = ARGV[5] == '1', ARGV[6] == '1'
local limit, remember, channel = tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[12]

local epoch = account(ARGV[9], ARGV[10])
local minute = str(math.floor(now / 60000))
local rate = redis.call('HMGET', M, 'w', 'n')
local n = 1
if rate[1] == minute then n = num(rate[2]) + 1 end
if n > tonumber(ARGV[13]) then return reply_none('busy') end
redis.call('HSET', M, 'w', minute, 'n', str(n))
keep(remember)
prune()

if life ~= '' then me.x = str(now + num(life)) end
me.l = str(now)

-- dead_again answers for a tombstone; the claim's own expiry may prolong it.
local function dead_again(who, t, raw, ends)
  local later = ending(me.x, remember)
  if later > ends then
    ends = later
    redis.call('ZADD', ENDS, str(ends), who)
    keep(remember)
  end
  if t.s == me.s and t.r == 'stale' then return reply_dead('stale', who, t, raw, ends) end
  return reply_dead('dead', who, t, raw, ends)
end

-- again answers for a login that is live already, under this or another token.
local function again(who, e)
  local status = 'same'
  if e.t ~= me.t then status = 'rotated' end
  e.t, e.l = me.t, me.l
  if me.b ~= nil and (status == 'rotated' or e.b == nil) then e.b = me.b end
  if me.lt ~= nil and num(me.lt) > num(e.lt) then e.lt = me.lt end
  if e.x and me.x then e.x = str(math.max(num(e.x), num(me.x))) else e.x = nil end
  return reply_live(status, who, put(who, e))
end

local born
local t, raw, ends = tomb(id)
if t then
  local newer = me.lt and t.lt and num(me.lt) > num(t.lt)
  local retry = t.s == me.s -- or of a life before that one
  for _, sid in ipairs(t.p or {}) do retry = retry or sid == me.s end
  if retry or not (observed or newer) then return dead_again(id, t, raw, ends) end
  born = id
end

local held = entry(id)
if held then return again(id, held) end

if pred ~= '' and pred ~= id then
  local pt, praw, pends = tomb(pred)
  if pt then return dead_again(pred, pt, praw, pends) end
  local pe = entry(pred)
  if pe then return again(pred, pe) end
end

if born then
  dig(id)
  me.p = t.p or {}
  me.p[#me.p + 1] = t.s
  if #me.p > 8 then table.remove(me.p, 1) end
end
if redis.call('ZCARD', ENDS) >= MAX_DEAD then return reply_none('denied') end

local function refuse(reason, by, status)
  local d = bury(id, me, reason, by, remember)
  keep(remember)
  return {status, id, d.raw, d.life, d.silence, ''}
end

local list = holders(epoch)
if me.lt and not observed then
  local newer = 0
  for _, h in ipairs(list) do
    if h.e.lt and num(h.e.lt) > num(me.lt) then newer = newer + 1 end
  end
  if newer >= limit then return refuse('stale', list[#list].e.s, 'stale') end
end

-- A browser whose login was displaced by a holder comes back with another token
-- that nobody saw being issued: the old login refreshed, not a new one.
if by_device and not observed and me.b then
  for _, h in ipairs(list) do
    local proven = me.lt and h.e.lt and num(me.lt) > num(h.e.lt)
    for _, b in ipairs(h.e.o or {}) do
      if b == me.b and not proven then return refuse('displaced', h.e.s, 'dead') end
    end
  end
end

me.e, me.q = epoch, str(redis.call('HINCRBY', M, 'seq', 1))
local deaths, over = {}, {}
local function overcome(b)
  if b and b ~= '' and b ~= me.b then over[#over + 1] = b end
  if #over > 8 then table.remove(over, 1) end
end
while #list >= limit do
  local h = table.remove(list, 1)
  for _, b in ipairs(h.e.o or {}) do overcome(b) end
  overcome(h.e.b)
  deaths[#deaths + 1] = bury(h.id, h.e, displaced(h.e, me), me.s, remember)
end
if #over > 0 then me.o = over end
raw = put(id, me)
keep(remember)
if #deaths == 0 and not born then return reply_live('live', id, raw) end
if #deaths == 0 then deaths = nil end
return reply_live('live', id, raw, publish(channel,
  {t = 'claim', a = ARGV[11], d = deaths, g = born, by = me.s, at = str(now), e = me.e, q = me.q}))
