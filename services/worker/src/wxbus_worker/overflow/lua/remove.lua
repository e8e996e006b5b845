-- Removes the oldest message of a lane's overflow, if it is still this one. May be repeated.
-- KEYS: epoch, lanes, messages, keys, bytes of the partition. ARGV: epoch, key, time for which keys are remembered (ms).
-- Returns 1, or -1 if the tenure has ended.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return -1
end
local oldest = redis.call('LINDEX', KEYS[3], 0)
if oldest and string.sub(oldest, 1, #ARGV[2] + 1) == ARGV[2] .. '\n' then
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  redis.call('LPOP', KEYS[3])
  if redis.call('DECRBY', KEYS[5], #oldest) <= 0 then -- less than 0: an earlier release did not count
    redis.call('DEL', KEYS[5])
  end
  redis.call('ZADD', KEYS[4], now, ARGV[2])
  redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now - ARGV[3])
end
return 1
