-- touch says what a login is, and that it was seen.
--
-- ARGV: 1 identity, 2 same-browser key or "", 3 remember in ms
-- Status: live, dead, unknown
local id, browser, remember = ARGV[1], ARGV[2], tonumber(ARGV[3])
local e, raw = entry(id)
if e then
  local seen, changed = math.abs(now - num(e.l)) >= SEEN, false
  if browser ~= '' and e.b ~= browser and (seen or e.b == nil) then
    e.b, changed = browser, true
  end
  if seen then e.l, changed = str(now), true end
  if changed then raw = put(id, e) end
  if seen then keep(remember) end
  return reply_live('live', id, raw)
end
local t, traw, ends = tomb(id)
if not t or t.w then return reply_none('unknown') end
-- Somebody still uses a login that may be renewed for ever at the backend: its
-- tombstone must not end before it does.
if t.open and ends - now < math.max(remember, MIN_LIFE) / 2 then
  ends = ending(nil, remember)
  redis.call('ZADD', ENDS, str(ends), id)
  keep(remember)
end
return reply_dead('dead', id, t, traw, ends)
