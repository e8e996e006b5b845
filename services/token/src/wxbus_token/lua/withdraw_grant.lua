-- Delete value and grant: the account has withdrawn its authorisation of a platform. May be repeated.
-- KEYS: record
-- ARGV: time of the withdrawal in s, ms for which it is remembered, appid of the platform, channel, name to announce
-- Returns 1, or 0 if the account has authorised this platform again since, or another platform, or none.
local record = redis.call('HMGET', KEYS[1], 'grant_at', 'component')
if record[2] ~= ARGV[3] or tonumber(record[1] or 0) > tonumber(ARGV[1]) then
  return 0
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'withdrawn', 1, 'grant_at', ARGV[1], 'component', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.pcall('PUBLISH', ARGV[4], ARGV[5])
return 1
