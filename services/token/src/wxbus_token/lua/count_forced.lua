-- Count one forced refresh, if WeChat's limits allow it now. Repeated with the same fence it counts once.
-- KEYS: forced refreshes, fence of the lock
-- ARGV: fence, ms between two, number allowed, in how many ms
-- Returns 0 if it was counted, else the ms to wait; -1 if the fence is stale.
local granted = redis.call('ZSCORE', KEYS[1], ARGV[1])
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return -1
end
if granted then
  return 0
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - ARGV[4]))
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
if last and now - last < tonumber(ARGV[2]) then
  return math.ceil(ARGV[2] - (now - last))
end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then
  local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
  return math.max(1, math.ceil(first + ARGV[4] - now))
end
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 0
