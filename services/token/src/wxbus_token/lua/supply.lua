-- Keep what values are fetched with from now on. May be repeated.
-- KEYS: record
-- ARGV: sealed means, their digest, when they came to be in s, appid of the platform they lead through or '',
-- 1 if WeChat says so just now: then no withdrawal is newer, whatever the clocks say, and the value fetched with the
-- means before is not to be used any more; channel, what is announced there
-- Returns 1, or 0 if those that are there are newer.
local record = redis.call('HMGET', KEYS[1], 'means_at', 'digest')
local at = ARGV[3]
if tonumber(record[1] or 0) > tonumber(at) then
  if ARGV[5] ~= '1' then
    return 0
  end
  at = record[1]
end
redis.call('HSET', KEYS[1], 'means', ARGV[1], 'means_digest', ARGV[2], 'means_at', at, 'component', ARGV[4])
-- What failed for want of them may be tried again.
redis.call('HDEL', KEYS[1], 'withdrawn', 'fail_text', 'fail_errcode', 'fail_state', 'fail_lasting', 'fail_until',
  'fail_count', 'fail_with')
if record[2] and ARGV[5] == '1' then
  redis.call('HSET', KEYS[1], 'dead', 1)
end
redis.call('PERSIST', KEYS[1])
redis.pcall('PUBLISH', ARGV[6], ARGV[7])
return 1
