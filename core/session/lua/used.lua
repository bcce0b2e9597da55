-- used notes when a request of a login was seen, and says how long ago the last one
-- was, on any node. A socket's life is no request, nor is being checked.
--
-- ARGV: 1 identity, 2 how many ms ago this node saw one, or ""
-- Status: live, with the ms since the last request in more, or unknown
local e = entry(ARGV[1])
if not e then return reply_none('unknown') end
local last = math.max(num(e.u), num(e.a))
local seen = 0
if ARGV[2] ~= '' then seen = now - num(ARGV[2]) end
if last == 0 and seen == 0 then seen = now end -- put back by one who did not know
if seen > last then
  e.u, last = str(seen), seen
  put(ARGV[1], e)
end
local reply = reply_live('live', '', '')
reply[8] = str(math.max(0, now - last))
return reply
