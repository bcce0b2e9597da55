-- Order of logins, for the scripts that displace: logins of the current epoch
-- outrank those restored from an older one, and within an epoch the greater seq
-- is newer. Two older epochs can't be compared.

-- holders are the live logins that compete with one of a device class for a seat,
-- the lowest-ranked first: all but exempt ones, and where seats are counted per
-- device only those of its class.
local function holders(epoch, class, per_device)
  local flat, list = redis.call('HGETALL', LIVE), {}
  for i = 1, #flat, 2 do
    local e = cjson.decode(flat[i + 1])
    if not e.ex and (not per_device or (e.d or '') == (class or '')) then
      list[#list + 1] = {id = flat[i], e = e}
    end
  end
  table.sort(list, function(a, b)
    local ca, cb = a.e.e == epoch, b.e.e == epoch
    if ca ~= cb then return cb end
    if a.e.e ~= b.e.e then return a.e.e < b.e.e end
    return num(a.e.q) < num(b.e.q)
  end)
  return list
end

-- outranks says whether a is certainly newer than b.
local function outranks(a, b, epoch)
  if a.e == b.e then return num(a.q) > num(b.q) end
  return a.e == epoch
end

-- make_room forgets the exempt logins that nobody has seen for longest, where there
-- are many: they take no seats, so nothing else bounds them. Forgotten is not ended:
-- one that is still used is back with its next request.
local MAX_EXEMPT, FORGET = 1024, 128
local function make_room()
  if redis.call('HLEN', LIVE) < MAX_EXEMPT then return end
  local flat, list = redis.call('HGETALL', LIVE), {}
  for i = 1, #flat, 2 do
    local e = cjson.decode(flat[i + 1])
    if e.ex then list[#list + 1] = {id = flat[i], l = num(e.l), q = num(e.q)} end
  end
  if #list < MAX_EXEMPT then return end
  table.sort(list, function(a, b)
    if a.l ~= b.l then return a.l < b.l end
    return a.q < b.q
  end)
  for i = 1, FORGET do redis.call('HDEL', LIVE, list[i].id) end
end
