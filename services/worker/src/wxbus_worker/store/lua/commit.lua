-- Writes context, dedup key and replies of a message in one step, once. May be repeated.
-- KEYS: context, dedup, outbox, send_lease, context_expiries, pending, reply_deadlines.
-- ARGV: dedup_key, version that was read, 'keep' the context, 'remove' it or 'none', context, its time to live (ms), lane,
--       ttl of dedup keys (ms), most dedup keys, attempt_id, lease (ms), answer for WeChat ('' = none), time for which
--       the replies stay pending (ms; 0 = they go to the outbox), index of the entry in the answer (from 0, '' = none),
--       member of reply_deadlines, time for which an answer without pending replies can be recalled (ms), entry, entry, ...
-- Returns {'committed' | 'duplicate', lease} or {'conflict'}; lease as take_send_lease returns it.
local dedup_key, version = ARGV[1], ARGV[2]
local what, context, context_ttl, lane = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local dedup_ttl, most_dedup_keys = tonumber(ARGV[7]), tonumber(ARGV[8])
local attempt_id, lease = ARGV[9], tonumber(ARGV[10])
local answer, wait, passive, member, recall = ARGV[11], tonumber(ARGV[12]), ARGV[13], ARGV[14], tonumber(ARGV[15])

-- Checks first: a script is isolated, not transactional. The reads also check the type of every key.
local known = redis.call('ZSCORE', KEYS[2], dedup_key)
local current = redis.call('HGET', KEYS[1], 'version') or '0'
redis.call('LLEN', KEYS[3])
redis.call('GET', KEYS[4])
redis.call('ZCARD', KEYS[5])
if answer ~= '' then
  redis.call('HLEN', KEYS[6])
  redis.call('ZCARD', KEYS[7])
end
if known then
  return {'duplicate', take_send_lease(KEYS[3], KEYS[4], attempt_id, lease)}
end
if current ~= version then
  return {'conflict'}
end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
if what == 'keep' then
  -- Versions of a new context start at the current microsecond: they differ from those of a context removed before.
  local first = tonumber(time[1]) * 1000000 + tonumber(time[2])
  local new = current == '0' and first or tonumber(current) + 1
  redis.call('HSET', KEYS[1], 'version', string.format('%.0f', new), 'context', context)
  redis.call('ZADD', KEYS[5], now + context_ttl, lane)
elseif what == 'remove' then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[5], lane)
end
redis.call('ZADD', KEYS[2], now, dedup_key)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - dedup_ttl)
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -most_dedup_keys - 1)
redis.call('PEXPIRE', KEYS[2], dedup_ttl)
if answer ~= '' and wait > 0 then
  redis.call('HSET', KEYS[6], 'state', 'pending', 'answer', answer, 'passive', passive, 'count', #ARGV - 15)
  redis.call('HSET', KEYS[6], 'due', string.format('%.0f', now + wait))
  for i = 16, #ARGV do
    redis.call('HSET', KEYS[6], i - 16, ARGV[i])
  end
  redis.call('PEXPIRE', KEYS[6], dedup_ttl)
  redis.call('ZADD', KEYS[7], now + wait, member)
elseif #ARGV > 15 then
  redis.call('RPUSH', KEYS[3], unpack(ARGV, 16))
  redis.call('PEXPIRE', KEYS[3], dedup_ttl)
end
if answer ~= '' and wait == 0 then
  redis.call('HSET', KEYS[6], 'state', 'delivered', 'answer', answer)
  redis.call('PEXPIRE', KEYS[6], recall)
end
return {'committed', take_send_lease(KEYS[3], KEYS[4], attempt_id, lease)}
