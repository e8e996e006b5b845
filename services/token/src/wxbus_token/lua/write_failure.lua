-- Store a failed fetch, so that no instance asks WeChat again before the wait is over.
-- KEYS: record, fence of the lock
-- ARGV: fence, text, errcode or '', state, 1 if lasting else 0, ms to wait, fingerprint,
--   ms for which a record without a grant is kept, digest of the grant used for the fetch
-- Returns 1, or 0 if the fence is stale or another grant was stored meanwhile: it may be tried at once.
local grant = redis.call('HGET', KEYS[1], 'grant_digest')
local ttl = redis.call('PTTL', KEYS[1])
if redis.call('GET', KEYS[2]) ~= ARGV[1] or (grant or '') ~= ARGV[9] then
  return 0
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HINCRBY', KEYS[1], 'failures', 1)
redis.call('HSET', KEYS[1], 'failure_text', ARGV[2], 'failure_errcode', ARGV[3], 'failure_state', ARGV[4],
  'failure_lasting', ARGV[5], 'failure_until', string.format('%.0f', now + ARGV[6]), 'failure_fingerprint', ARGV[7])
if not grant and ttl < tonumber(ARGV[8]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[8])
end
return 1
