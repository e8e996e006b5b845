-- Keep what values are fetched with from now on; what is older never replaces what is newer. May be repeated.
-- KEYS: record
-- ARGV: sealed means, their digest, when they came to be in s, appid of the platform they lead through or '',
-- 1 if the value fetched with the means before is not to be used any more, channel, what is announced there
-- Returns 1, or 0 if those that are there, or a withdrawal, are newer.
local record = redis.call('HMGET', KEYS[1], 'means_at', 'digest')
if tonumber(record[1] or 0) > tonumber(ARGV[3]) then
  return 0
end
redis.call('HSET', KEYS[1], 'means', ARGV[1], 'means_digest', ARGV[2], 'means_at', ARGV[3], 'component', ARGV[4])
-- What failed for want of them may be tried again.
redis.call('HDEL', KEYS[1], 'withdrawn', 'fail_text', 'fail_errcode', 'fail_state', 'fail_lasting', 'fail_until',
  'fail_count', 'fail_with')
if record[2] and ARGV[5] == '1' then
  redis.call('HSET', KEYS[1], 'dead', 1)
end
redis.call('PERSIST', KEYS[1])
redis.pcall('PUBLISH', ARGV[6], ARGV[7])
return 1
