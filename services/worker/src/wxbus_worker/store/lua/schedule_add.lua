-- Stores a message until its time, unless its id is stored already. May be repeated.
-- KEYS: times, publishing, bodies. ARGV: member, due (ms), body.
-- Returns 1 if it is stored, 0 if the id was known.
if redis.call('ZSCORE', KEYS[1], ARGV[1]) or redis.call('ZSCORE', KEYS[2], ARGV[1]) then
  return 0
end
redis.call('HSET', KEYS[3], ARGV[1], ARGV[3])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
return 1
