-- Drop value and means: the account has withdrawn its authorisation. May be repeated.
-- KEYS: record
-- ARGV: when it did in s, ms for which that is remembered, channel, what is announced there
-- Returns 1, or 0 if it has authorised anew since.
local record = redis.call('HMGET', KEYS[1], 'means_at', 'component')
if tonumber(record[1] or 0) > tonumber(ARGV[1]) then
  return 0
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'withdrawn', 1, 'means_at', ARGV[1], 'component', record[2] or '')
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1
