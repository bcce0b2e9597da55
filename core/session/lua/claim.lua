-- claim admits a login, or says why not. In this order: dead, same, rotated,
-- denied, stale, dead by its device, frozen, and else live, which displaces the
-- lowest-ranked holders. Idempotent: a retry finds itself live, with its own sid.
--
-- ARGV: 1 identity, 2 entry (s t b d ip ua lt), 3 ms of life left or "",
--   4 identity of the login that this token was refreshed from, or "",
--   5 remember in ms, 6 an epoch, should the account need one, 7 account name,
--   8 account hash, 9 event channel, 10 claims per minute, 11 limit, 12 grace in
--   ms, 13 the nonce of a takeover ticket to use, or "", 14 when it ends, ms, and
--   flags, "1" or "": 15 the login was observed, 16 clients are known by their
--   device, 17 the oldest logins win, 18 seats are per device, 19 exempt,
--   20 only a free seat will do
-- Status: live, same, rotated, stale, dead, denied, busy. More: with denied the
-- holders, as JSON, where they were what was in the way (then life is when a ticket
-- that is made now ends, ms), and with dead "flap"
-- where this claim is one too many of a client that keeps coming back.
local id, me, life, pred = ARGV[1], cjson.decode(ARGV[2]), ARGV[3], ARGV[4]
local remember, channel = tonumber(ARGV[5]), ARGV[9]
local limit, read_for = tonumber(ARGV[11]), tonumber(ARGV[12])
local nonce, ticket_ends = ARGV[13], ARGV[14]
local observed, by_device, oldest = ARGV[15] == '1', ARGV[16] == '1', ARGV[17] == '1'
local per_device, exempt, vacant = ARGV[18] == '1', ARGV[19] == '1', ARGV[20] == '1'

local epoch = account(ARGV[6], ARGV[7])
local minute = str(math.floor(now / 60000))
local rate = redis.call('HMGET', M, 'w', 'n')
local n = 1
if rate[1] == minute then n = num(rate[2]) + 1 end
if n > tonumber(ARGV[10]) then return reply_none('busy') end
redis.call('HSET', M, 'w', minute, 'n', str(n))
keep(remember)
prune()

if life ~= '' then me.x = str(now + num(life)) end
me.l, me.a = str(now), str(now)
if exempt then me.ex = '1' end

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
  e.t, e.l, e.ex = me.t, me.l, me.ex
  if me.b ~= nil and (status == 'rotated' or e.b == nil) then e.b = me.b end
  if me.lt ~= nil and num(me.lt) > num(e.lt) then e.lt = me.lt end
  if e.x and me.x then e.x = str(math.max(num(e.x), num(me.x))) else e.x = nil end
  return reply_live(status, who, put(who, e))
end

-- seated says that a live login keeps what it has: one that was exempt, and is no
-- more, has no seat, and has to be admitted to one.
local function seated(e) return exempt or not e.ex end

local born -- the tombstone of the life before, where a new generation begins
local t, raw, ends = tomb(id)
if t then
  local newer = me.lt and t.lt and num(me.lt) > num(t.lt)
  local retry = t.s == me.s -- or of a life before that one
  for _, sid in ipairs(t.p or {}) do retry = retry or sid == me.s end
  if retry or not (observed or newer or t.w) then return dead_again(id, t, raw, ends) end
  born = t
end

local held = entry(id)
if held and seated(held) then return again(id, held) end

if not held and pred ~= '' and pred ~= id then
  local pt, praw, pends = tomb(pred)
  if pt and not pt.w then return dead_again(pred, pt, praw, pends) end
  local pe = entry(pred)
  if pe and seated(pe) then return again(pred, pe) end
  if pe then id, held, born = pred, pe, nil end
end
-- One that was exempt stays as it is until it has a seat, or is refused one.
if held then me.s, me.p, me.e, me.q = held.s, held.p, held.e, held.q end

local dead = redis.call('ZCARD', ENDS)
if born then dead = dead - 1 end
if dead >= MAX_DEAD then return reply_none('denied') end
if born then
  me.p = {}
  for _, sid in ipairs(born.p or {}) do me.p[#me.p + 1] = sid end
  me.p[#me.p + 1] = born.s
  if #me.p > 8 then table.remove(me.p, 1) end
end

-- refuse ends the newcomer before it began; or where it was exempt, after.
local function refuse(reason, by, status, more)
  local d = bury(id, me, reason, by, remember)
  keep(remember)
  local event
  if held then event = publish(channel, {t = 'claim', a = ARGV[8], d = {d}, by = by.s, at = str(now)}) end
  return reply_buried(status, d, event, more)
end

-- deny tells who holds the seats. A new life that is denied one may begin later,
-- though nobody will see it begin again.
local function deny(seen)
  local event
  if born and not born.w then
    born.w = '1'
    redis.call('HSET', DEAD, id, cjson.encode(born))
    event = publish(channel, {t = 'claim', a = ARGV[8], g = id, at = str(now)})
  end
  return {'denied', '', '', str(now + TICKET_LIFE), '', event or '', '', tell_holders(seen)}
end

local list = {}
if not exempt then list = holders(epoch, me.d, per_device) end
local full = #list >= limit

if full and me.lt and not observed then
  local newer = 0
  for _, h in ipairs(list) do
    if h.e.lt and num(h.e.lt) > num(me.lt) then newer = newer + 1 end
  end
  if newer >= limit then return refuse('stale', list[#list].e, 'stale') end
end
if full and vacant then return refuse('displaced', list[#list].e, 'dead') end

local taken = false -- a seat, with a ticket
if full and oldest then
  -- A holder that nobody has seen for its lease blocks nobody: its node may have
  -- crashed. Those go first.
  local seen, lapsed = {}, {}
  for _, h in ipairs(list) do
    local to = seen
    if now - num(h.e.l) >= LEASE then to = lapsed end
    to[#to + 1] = h
  end
  taken = #seen >= limit and takes_over(nonce, ticket_ends)
  if #seen >= limit and not taken then return deny(seen) end
  list = lapsed
  for _, h in ipairs(seen) do list[#list + 1] = h end
end

-- A browser whose login was displaced by a holder comes back with another token
-- that nobody saw being issued: the old login refreshed, not a new one. With a
-- ticket its user has asked for the seat.
local back
if me.b and not observed and not taken then
  for _, h in ipairs(list) do
    local proven = me.lt and h.e.lt and num(me.lt) > num(h.e.lt)
    for _, b in ipairs(h.e.o or {}) do
      if b == me.b then
        back = h
        if by_device and not proven then return refuse('displaced', h.e, 'dead') end
      end
    end
  end
end
-- Two clients that log in by themselves whenever they are displaced would do so
-- for ever. The third return within a minute ends it.
if full and back and returns_too_often(me.b) then return refuse('displaced', back.e, 'dead', 'flap') end

me.e, me.q = epoch, str(redis.call('HINCRBY', M, 'seq', 1))
local deaths, over = {}, {}
local function overcome(b)
  if not b or b == '' or b == me.b then return end
  for i, known in ipairs(over) do
    if known == b then table.remove(over, i) break end
  end
  over[#over + 1] = b
  if #over > 8 then table.remove(over, 1) end
end
while #list >= limit do
  local h = table.remove(list, 1)
  for _, b in ipairs(h.e.o or {}) do overcome(b) end
  overcome(h.e.b)
  deaths[#deaths + 1] = bury(h.id, h.e, displaced(h.e, me), me, remember, read_for)
end
if #over > 0 then me.o = over end
if exempt then make_room() end
if born then dig(id) end
raw = put(id, me)
keep(remember)
if #deaths == 0 and not born then return reply_live('live', id, raw) end
if #deaths == 0 then deaths = nil end
return reply_live('live', id, raw, publish(channel,
  {t = 'claim', a = ARGV[8], d = deaths, g = born and id, by = me.s, at = str(now), e = me.e, q = me.q}))
