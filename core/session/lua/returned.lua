-- returned counts that a superseded login came back on a socket. A retry of one
-- return, with the same nonce, counts once.
--
-- ARGV: 1 identity, 2 nonce
-- Status: live, dead, unknown
local id, nonce = ARGV[1], ARGV[2]
local t, raw, ends = tomb(id)
if not t then
  local e, eraw = entry(id)
  if e then return reply_live('live', id, eraw) end
  return reply_none('unknown')
end
if t.w then return reply_none('unknown') end
if t.r == 'superseded' and t.rn ~= nonce then
  t.n, t.rn = str(num(t.n) + 1), nonce
  raw = cjson.encode(t)
  redis.call('HSET', DEAD, id, raw)
end
return reply_dead('dead', id, t, raw, ends)
