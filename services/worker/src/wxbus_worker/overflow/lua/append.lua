-- Puts messages at the end of a lane's overflow, each once. May be repeated.
-- KEYS: epoch, lanes, messages, keys (score = time of removal (ms), +inf while it waits).
-- ARGV: epoch, lane, id of its wake-up note, key, message, key, message, ...
-- Returns the number of messages, or -1 if the tenure has ended.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return -1
end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
for i = 4, #ARGV, 2 do
  if not redis.call('ZSCORE', KEYS[4], ARGV[i]) then
    redis.call('RPUSH', KEYS[3], ARGV[i] .. '\n' .. ARGV[i + 1])
    redis.call('ZADD', KEYS[4], '+inf', ARGV[i])
  end
end
redis.call('PERSIST', KEYS[4])
return redis.call('LLEN', KEYS[3])
