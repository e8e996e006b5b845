-- Store the grant that values are fetched with from now on. May be repeated.
-- KEYS: record
-- ARGV: encrypted grant, its digest, when it was issued in s, appid of the platform or '',
--   1 if WeChat says now that the account has authorised the platform: that is newer than any withdrawal, whatever the
--   clocks say, and the value fetched with the earlier grant is rejected; channel, name to announce
-- Returns 1, or 0 if the stored grant is newer.
local record = redis.call('HMGET', KEYS[1], 'grant_at', 'digest')
local at = ARGV[3]
if tonumber(record[1] or 0) > tonumber(at) then
  if ARGV[5] ~= '1' then
    return 0
  end
  at = record[1]
end
redis.call('HSET', KEYS[1], 'grant', ARGV[1], 'grant_digest', ARGV[2], 'grant_at', at, 'component', ARGV[4])
-- A fetch that failed with the earlier grant may be tried again.
redis.call('HDEL', KEYS[1], 'withdrawn', 'failure_text', 'failure_errcode', 'failure_state', 'failure_lasting',
  'failure_until', 'failures', 'failure_fingerprint')
if record[2] and ARGV[5] == '1' then
  redis.call('HSET', KEYS[1], 'rejected', 1)
end
redis.call('PERSIST', KEYS[1])
redis.pcall('PUBLISH', ARGV[6], ARGV[7])
return 1
