-- Returns the id of the data in this Redis; takes ARGV[1] for it if there is none. It always writes, or tries to: a
-- Redis that refuses writes answers with its reason.
-- KEYS: generation.
if redis.call('SET', KEYS[1], ARGV[1], 'NX') then
  return ARGV[1]
end
return redis.call('GET', KEYS[1])
