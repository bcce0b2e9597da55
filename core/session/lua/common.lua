-- Shared by all scripts: it is put in front of each of them.
--
-- One account is four keys in one slot. KEYS, of every script:
--   1 m     hash    epoch, seq, account (readable name), w and n (claims in minute
--                   w), t:<nonce> a takeover ticket that was used,
--                   f:<client> how often a displaced client came back
--   2 live  hash    identity -> entry
--   3 dead  hash    identity -> tombstone
--   4 ends  zset    identity -> when its tombstone ends, ms
--
-- An entry is JSON whose values are strings, so that no number loses digits:
--   s sid, e epoch, q seq, t fingerprint of the token, b same-browser key,
--   d device, ip, ua, lt login time of the backend in ms, x expiry in ms of
--   Redis' clock (absent: unknown), a admitted and l last seen in ms, o keys of
--   the browsers that this login displaced, p sids of earlier lives of the
--   identity, ex "1" where the login counts for no seat, un what people call the account,
--   dp its department.
-- A tombstone is JSON too:
--   s, e, q, t, b, lt, p of the entry, r reason, by sid of the newer login, bi and
--   bd its address and device, at in ms, open "1" where the expiry is unknown, su
--   until when a superseded login's requests pass, g until when a displaced one
--   may still read, n how often it returned, rn the nonce of the last return, w "1" where a
--   new life of the identity was denied, and waits for a seat: it is dead no more.
--
-- Every script replies {status, identity, JSON of entry or tombstone, ms until
-- the tombstone ends, ms of silence left, event, ms of grace left, more}, all
-- strings, "" for none. The event is what was published, or "".
local M, LIVE, DEAD, ENDS = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

local MAX_DEAD = 4096        -- tombstones of one account
local PRUNE = 64             -- ended tombstones removed by one call
local MIN_LIFE = 7200000     -- ms: a clock an hour off ends no tombstone early
local SILENCE = 60000        -- ms: a superseded login's requests pass
local SEEN = 30000           -- ms: `l` is written at most this often

-- Redis' clock measures how long things last. It never orders logins.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function num(v) return tonumber(v) or 0 end
local function str(n) return string.format('%.0f', n) end

local function entry(id)
  local raw = redis.call('HGET', LIVE, id)
  if raw then return cjson.decode(raw), raw end
end

local function put(id, e)
  local raw = cjson.encode(e)
  redis.call('HSET', LIVE, id, raw)
  return raw
end

local function dig(id)
  redis.call('HDEL', DEAD, id)
  redis.call('ZREM', ENDS, id)
end

-- tomb yields the tombstone of an identity, its JSON and its end.
local function tomb(id)
  local raw = redis.call('HGET', DEAD, id)
  if not raw then return nil end
  local ends = num(redis.call('ZSCORE', ENDS, id))
  if ends <= now then
    dig(id)
    return nil
  end
  return cjson.decode(raw), raw, ends
end

local function prune()
  local ended = redis.call('ZRANGEBYSCORE', ENDS, '-inf', str(now), 'LIMIT', 0, PRUNE)
  for _, id in ipairs(ended) do dig(id) end
end

-- ending is when the tombstone of a login with this expiry ends.
local function ending(x, remember)
  if x then return math.max(num(x), now + MIN_LIFE) end
  return now + math.max(remember, MIN_LIFE)
end

local function grace(t)
  return str(math.max(0, num(t.g) - now))
end

local function silence(t)
  return str(math.max(0, math.min(num(t.su) - now, SILENCE)))
end

-- bury writes a login's tombstone and returns what an event tells of it. by is the
-- entry of the newer login, nil for none; read_for is the grace in ms.
local function bury(id, e, reason, by, remember, read_for)
  local t = {s = e.s, e = e.e, q = e.q, t = e.t, b = e.b, lt = e.lt, p = e.p, r = reason, at = str(now)}
  if by then t.by, t.bi, t.bd = by.s, by.ip, by.d end
  if reason == 'displaced' and num(read_for) > 0 then t.g = str(now + num(read_for)) end
  if not e.x then t.open = '1' end
  if reason == 'superseded' then
    t.su = str(now + SILENCE)
    t.n = '0'
  end
  local raw, ends = cjson.encode(t), ending(e.x, remember)
  redis.call('HDEL', LIVE, id)
  redis.call('HSET', DEAD, id, raw)
  redis.call('ZADD', ENDS, str(ends), id)
  return {i = id, raw = raw, life = str(ends - now), silence = silence(t), grace = grace(t)}
end

-- displaced says why a login ends for another: within one browser silently.
local function displaced(old, new)
  if old.b and old.b ~= '' and old.b == new.b then return 'superseded' end
  return 'displaced'
end

-- keep gives the account's keys their time to live anew: `remember`, or until
-- the last tombstone ends.
local function keep(remember)
  local ttl = math.max(remember, MIN_LIFE)
  local last = redis.call('ZREVRANGE', ENDS, 0, 0, 'WITHSCORES')
  if last[2] then ttl = math.max(ttl, num(last[2]) - now) end
  for _, k in ipairs(KEYS) do redis.call('PEXPIRE', k, str(ttl)) end
end

-- account makes the account's order where it has none, and returns its epoch.
local function account(fresh, name)
  if redis.call('HSETNX', M, 'epoch', fresh) == 1 then redis.call('HSET', M, 'seq', '0') end
  if name ~= '' then redis.call('HSETNX', M, 'account', name) end
  return redis.call('HGET', M, 'epoch')
end

local function publish(channel, event)
  local raw = cjson.encode(event)
  redis.call('PUBLISH', channel, raw)
  return raw
end

local function reply_live(status, id, raw, event)
  return {status, id, raw, '', '', event or '', '', ''}
end

local function reply_dead(status, id, t, raw, ends, event)
  return {status, id, raw, str(ends - now), silence(t), event or '', grace(t), ''}
end

-- reply_buried is about a login that bury has just ended.
local function reply_buried(status, d, event, more)
  return {status, d.i, d.raw, d.life, d.silence, event or '', d.grace, more or ''}
end

local function reply_none(status)
  return {status, '', '', '', '', '', '', ''}
end
