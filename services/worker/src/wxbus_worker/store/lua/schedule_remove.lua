-- Removes a message that is published. May be repeated.
-- KEYS: publishing, bodies. ARGV: member.
if redis.call('ZREM', KEYS[1], ARGV[1]) == 1 then
  redis.call('HDEL', KEYS[2], ARGV[1])
end
return 0
