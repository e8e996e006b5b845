-- Note that a fetch failed, so that no instance asks again before its time.
-- KEYS: record, fence of the lock
-- ARGV: fence, text, errcode or '', state, 1 if lasting else 0, ms to wait, fingerprint,
-- ms a record without a value is kept
-- Returns 1, or 0 if the writer is late.
local kept = redis.call('HEXISTS', KEYS[1], 'means')
local ttl = redis.call('PTTL', KEYS[1])
redis.call('HGET', KEYS[1], 'fail_count')
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 0
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HINCRBY', KEYS[1], 'fail_count', 1)
redis.call('HSET', KEYS[1], 'fail_text', ARGV[2], 'fail_errcode', ARGV[3], 'fail_state', ARGV[4],
  'fail_lasting', ARGV[5], 'fail_until', string.format('%.0f', now + ARGV[6]), 'fail_with', ARGV[7])
if kept == 0 and ttl < tonumber(ARGV[8]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[8])
end
return 1
