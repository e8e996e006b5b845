-- Removes a message that waits for its time. May be repeated with the same token.
-- KEYS: times, bodies, cancelled. ARGV: member, token, time for which the result is remembered (ms).
-- Returns 1 if it was waiting.
if redis.call('GET', KEYS[3]) == ARGV[2] then
  return 1
end
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then
  return 0
end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[3])
return 1
