-- Returns the id of the data in this Redis, which is ARGV[1] if there is none yet. SET is always tried, so a Redis
-- that refuses writes answers with an error.
-- KEYS: generation
if redis.call('SET', KEYS[1], ARGV[1], 'NX') then
  return ARGV[1]
end
return redis.call('GET', KEYS[1])
