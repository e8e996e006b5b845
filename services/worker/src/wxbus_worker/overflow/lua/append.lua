-- Puts messages at the end of a lane's overflow, each once. May be repeated.
-- KEYS: epoch, lanes, messages, keys (score = time of removal (ms), +inf while it waits), bytes of the partition.
-- ARGV: epoch, lane, id of its wake-up note, largest number of bytes of the partition, key, message, key, message, ...
-- Returns {number of messages, how many of the given messages are or were there, from the first on}, or {-1} if the
-- tenure has ended. A message of any size is taken if there is no other.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return {-1}
end
redis.call('HLEN', KEYS[2])
redis.call('LLEN', KEYS[3])
local bytes, taken = tonumber(redis.call('GET', KEYS[5]) or 0), 0
for i = 5, #ARGV, 2 do
  if not redis.call('ZSCORE', KEYS[4], ARGV[i]) then
    local message = ARGV[i] .. '\n' .. ARGV[i + 1]
    if bytes > 0 and bytes + #message > tonumber(ARGV[4]) then
      break
    end
    redis.call('RPUSH', KEYS[3], message)
    redis.call('ZADD', KEYS[4], '+inf', ARGV[i])
    bytes = redis.call('INCRBY', KEYS[5], #message)
  end
  taken = taken + 1
end
local length = redis.call('LLEN', KEYS[3])
if length > 0 then
  redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
  redis.call('PERSIST', KEYS[4])
end
return {length, taken}
