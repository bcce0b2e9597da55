-- restore puts back what a node knows and Redis forgot: in a flush, or in a
-- failover to a replica that lagged behind.
--
-- A restored login keeps its epoch and seq. It takes a free seat, or replays a
-- displacement that was lost. Where the seat is held by a login that outranks
-- it, or can't be compared, it ends as if that one had displaced it: the
-- outcome does not depend on who comes first, the restore or a new claim.
--
-- ARGV: 1 identity, 2 "live" or "dead", 3 entry or tombstone, 4 ms until the
--   tombstone ends, 5 limit, 6 remember in ms, 7 an epoch, should the account
--   need one, 8 account name or "", 9 account hash, 10 event channel,
--   11 "1": seats are per device
-- Status: live, dead, or unknown where a tombstone found no room, or where a new
--   life waits for a seat
local id, kind, mine, life = ARGV[1], ARGV[2], cjson.decode(ARGV[3]), num(ARGV[4])
local limit, remember, channel = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[10]
local per_device = ARGV[11] == '1'

local function tell(deaths, by)
  return publish(channel, {t = 'restore', a = ARGV[9], d = deaths, by = by.s, at = str(now)})
end

-- later says that mine is a later life of the identity than what Redis has.
local function later(theirs)
  return mine.s ~= theirs.s and mine.e == theirs.e and num(mine.q) > num(theirs.q)
end

-- reserve keeps a seq that Redis forgot from being given again.
local function reserve(epoch)
  if mine.e == epoch and num(mine.q) > num(redis.call('HGET', M, 'seq')) then
    redis.call('HSET', M, 'seq', mine.q)
  end
end

local e, raw = entry(id)
local t, traw, ends = tomb(id)

local function buried()
  if t.w then return reply_none('unknown') end
  return reply_dead('dead', id, t, traw, ends)
end

if kind == 'dead' then
  if e and e.s ~= mine.s and not later(e) then return reply_live('live', id, raw) end
  if t and not later(t) then return buried() end
  if life <= 0 or redis.call('ZCARD', ENDS) >= MAX_DEAD then return reply_none('unknown') end
  redis.call('HDEL', LIVE, id)
  redis.call('HSET', DEAD, id, ARGV[3])
  redis.call('ZADD', ENDS, str(now + life), id)
  reserve(account(ARGV[7], ARGV[8]))
  keep(remember)
  local event
  if e then event = tell({{i = id, raw = ARGV[3], life = str(life), silence = silence(mine), grace = grace(mine)}}, {s = mine.by}) end
  return reply_dead('dead', id, mine, ARGV[3], now + life, event)
end

if e and not later(e) then return reply_live('live', id, raw) end
if t and not later(t) then return buried() end
redis.call('HDEL', LIVE, id)
dig(id)

local epoch = account(ARGV[7], ARGV[8])
reserve(epoch)
local list, deaths = {}, {}
if not mine.ex then list = holders(epoch, mine.d, per_device) end
while #list >= limit do
  local h = table.remove(list, 1)
  if not outranks(mine, h.e, epoch) then
    local d = bury(id, mine, displaced(mine, h.e), h.e, remember)
    keep(remember)
    return reply_buried('dead', d, tell({d}, h.e))
  end
  deaths[#deaths + 1] = bury(h.id, h.e, displaced(h.e, mine), mine, remember)
end
mine.l = str(now)
if mine.ex then make_room() end
raw = put(id, mine)
keep(remember)
local event
if #deaths > 0 then event = tell(deaths, mine) end
return reply_live('live', id, raw, event)
