-- Renews a member's lease and lists the members. May be repeated.
-- KEYS: members (score = end of the lease, ms). ARGV: member, lease (ms), time for which a lapsed member is listed (ms).
-- Returns {{member with a running lease, ...}, {member with a lapsed lease, ...}, ms until the next lease ends}
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[3]))
return {
  redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf'),
  redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now),
  tonumber(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]) - now,
}
