-- Writes what a message did: context, its marker and its replies, together, once. May be repeated.
-- KEYS: context, recent, outbox, sender.
-- ARGV: marker, version that was read, context ('' = keep none), its time to live (ms), ttl of markers (ms),
--       most markers, run, lease (ms), entry, entry, ...
-- Returns {'committed' | 'duplicate', turn} or {'conflict'}; turn as take_turn returns it.
local marker, version = ARGV[1], ARGV[2]
local context, context_ttl = ARGV[3], tonumber(ARGV[4])
local marker_ttl, most_markers = tonumber(ARGV[5]), tonumber(ARGV[6])
local run, lease = ARGV[7], tonumber(ARGV[8])

-- Checks first: a script is isolated, not transactional. The reads also make sure of every key's type.
local known = redis.call('ZSCORE', KEYS[2], marker)
local current = redis.call('HGET', KEYS[1], 'version') or '0'
redis.call('LLEN', KEYS[3])
redis.call('GET', KEYS[4])
if known then
  return {'duplicate', take_turn(KEYS[3], KEYS[4], run, lease)}
end
if current ~= version then
  return {'conflict'}
end

if context ~= '' then
  redis.call('HSET', KEYS[1], 'version', tostring(tonumber(current) + 1), 'context', context)
  redis.call('PEXPIRE', KEYS[1], context_ttl)
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('ZADD', KEYS[2], now, marker)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - marker_ttl)
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -most_markers - 1)
redis.call('PEXPIRE', KEYS[2], marker_ttl)
if #ARGV > 8 then
  redis.call('RPUSH', KEYS[3], unpack(ARGV, 9))
  redis.call('PEXPIRE', KEYS[3], marker_ttl)
end
return {'committed', take_turn(KEYS[3], KEYS[4], run, lease)}
