-- Returns the oldest messages of a lane's overflow; an empty overflow ends. May be repeated.
-- KEYS: epoch, lanes, messages, keys, bytes of the partition. ARGV: epoch, lane, limit, time for which keys are remembered (ms).
-- Returns {number of messages, key LF message, key LF message, ...}, or {-1} if the tenure has ended.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return {-1}
end
local length = redis.call('LLEN', KEYS[3])
if length == 0 then
  redis.call('HDEL', KEYS[2], ARGV[2])
  redis.call('PEXPIRE', KEYS[4], ARGV[4])
end
return {length, unpack(redis.call('LRANGE', KEYS[3], 0, ARGV[3] - 1))}
