-- The nodes, by when they were last heard of, in ms of Redis' clock.
-- ARGV: how long they are kept, how many at most, and then nodes and how long ago
-- each was heard of, in turn. Yields all that are kept, in the same way.
local life, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
for i = 3, #ARGV, 2 do
	local heard = now - tonumber(ARGV[i + 1])
	local known = redis.call('ZSCORE', KEYS[1], ARGV[i])
	if not known or tonumber(known) < heard then
		redis.call('ZADD', KEYS[1], string.format('%.0f', heard), ARGV[i])
	end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - life))
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -most - 1)
redis.call('PEXPIRE', KEYS[1], life)
local kept = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 2, #kept, 2 do
	kept[i] = now - tonumber(kept[i])
end
return kept
