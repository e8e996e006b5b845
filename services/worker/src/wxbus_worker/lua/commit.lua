-- Writes what a message did: context, its marker and its replies, together, once. May be repeated.
-- KEYS: context, recent, outbox, sender, due.
-- ARGV: marker, version that was read, 'keep' the context, 'remove' it or 'none', context, its time to live (ms), lane,
--       ttl of markers (ms), most markers, run, lease (ms), entry, entry, ...
-- Returns {'committed' | 'duplicate', turn} or {'conflict'}; turn as take_turn returns it.
local marker, version = ARGV[1], ARGV[2]
local what, context, context_ttl, lane = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local marker_ttl, most_markers = tonumber(ARGV[7]), tonumber(ARGV[8])
local run, lease = ARGV[9], tonumber(ARGV[10])

-- Checks first: a script is isolated, not transactional. The reads also make sure of every key's type.
local known = redis.call('ZSCORE', KEYS[2], marker)
local current = redis.call('HGET', KEYS[1], 'version') or '0'
redis.call('LLEN', KEYS[3])
redis.call('GET', KEYS[4])
redis.call('ZCARD', KEYS[5])
if known then
  return {'duplicate', take_turn(KEYS[3], KEYS[4], run, lease)}
end
if current ~= version then
  return {'conflict'}
end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
if what == 'keep' then
  -- A new context starts at the microsecond of its birth: nobody who read one that is removed since can match it.
  local born = tonumber(time[1]) * 1000000 + tonumber(time[2])
  local new = current == '0' and born or tonumber(current) + 1
  redis.call('HSET', KEYS[1], 'version', string.format('%.0f', new), 'context', context)
  redis.call('ZADD', KEYS[5], now + context_ttl, lane)
elseif what == 'remove' then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[5], lane)
end
redis.call('ZADD', KEYS[2], now, marker)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - marker_ttl)
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -most_markers - 1)
redis.call('PEXPIRE', KEYS[2], marker_ttl)
if #ARGV > 10 then
  redis.call('RPUSH', KEYS[3], unpack(ARGV, 11))
  redis.call('PEXPIRE', KEYS[3], marker_ttl)
end
return {'committed', take_turn(KEYS[3], KEYS[4], run, lease)}
