-- Writes what a message did: context, its marker and its replies, together, once. May be repeated.
-- KEYS: context, recent, outbox, sender, due, held, late.
-- ARGV: marker, version that was read, 'keep' the context, 'remove' it or 'none', context, its time to live (ms), lane,
--       ttl of markers (ms), most markers, run, lease (ms), answer that WeChat may be given ('' = none), time for which
--       the entries wait until it is known whether it was (ms; 0 = they do not), index of the entry that is in it (from
--       0, '' = none is), member of late, time for which the answer is recalled if nothing waits (ms), entry, entry, ...
-- Returns {'committed' | 'duplicate', turn} or {'conflict'}; turn as take_turn returns it.
local marker, version = ARGV[1], ARGV[2]
local what, context, context_ttl, lane = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local marker_ttl, most_markers = tonumber(ARGV[7]), tonumber(ARGV[8])
local run, lease = ARGV[9], tonumber(ARGV[10])
local answer, wait, passive, member, recall = ARGV[11], tonumber(ARGV[12]), ARGV[13], ARGV[14], tonumber(ARGV[15])

-- Checks first: a script is isolated, not transactional. The reads also make sure of every key's type.
local known = redis.call('ZSCORE', KEYS[2], marker)
local current = redis.call('HGET', KEYS[1], 'version') or '0'
redis.call('LLEN', KEYS[3])
redis.call('GET', KEYS[4])
redis.call('ZCARD', KEYS[5])
if answer ~= '' then
  redis.call('HLEN', KEYS[6])
  redis.call('ZCARD', KEYS[7])
end
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
if answer ~= '' and wait > 0 then
  redis.call('HSET', KEYS[6], 'state', 'held', 'answer', answer, 'passive', passive, 'count', #ARGV - 15)
  redis.call('HSET', KEYS[6], 'due', string.format('%.0f', now + wait))
  for i = 16, #ARGV do
    redis.call('HSET', KEYS[6], i - 16, ARGV[i])
  end
  redis.call('PEXPIRE', KEYS[6], marker_ttl)
  redis.call('ZADD', KEYS[7], now + wait, member)
elseif #ARGV > 15 then
  redis.call('RPUSH', KEYS[3], unpack(ARGV, 16))
  redis.call('PEXPIRE', KEYS[3], marker_ttl)
end
if answer ~= '' and wait == 0 then
  redis.call('HSET', KEYS[6], 'state', 'taken', 'answer', answer)
  redis.call('PEXPIRE', KEYS[6], recall)
end
return {'committed', take_turn(KEYS[3], KEYS[4], run, lease)}
