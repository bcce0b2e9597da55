-- revoke ends live logins: a logout's own, or those that an administrator names.
--
-- ARGV: 1 which: "login" (this identity, and this sid unless it is ""), "sid",
--   "all", "but" (all but this sid), 2 identity, 3 sid, 4 reason,
--   5 remember in ms, 6 account hash, 7 event channel
-- Status: ended; the event is "" where nothing was live
local which, id, sid = ARGV[1], ARGV[2], ARGV[3]
local deaths, flat = {}, redis.call('HGETALL', LIVE)
for i = 1, #flat, 2 do
  local e = cjson.decode(flat[i + 1])
  local hit
  if which == 'login' then
    hit = flat[i] == id and (sid == '' or sid == e.s)
  elseif which == 'sid' then
    hit = e.s == sid
  else
    hit = which == 'all' or (which == 'but' and e.s ~= sid)
  end
  if hit then deaths[#deaths + 1] = bury(flat[i], e, ARGV[4], nil, tonumber(ARGV[5])) end
end
if #deaths == 0 then return reply_none('ended') end
keep(tonumber(ARGV[5]))
return {'ended', '', '', '', '', publish(ARGV[7], {t = 'revoke', a = ARGV[6], d = deaths, at = str(now)}), '', ''}
