-- Writes context, dedup key and replies of a message in one step, once. May be repeated.
-- KEYS: context, dedup, outbox, send_lease, context_expiries; with an answer also: pending, reply_deadlines.
-- ARGV: dedup_key, version that was read, 'keep' the context, 'remove' it or 'none', context, its time to live (ms), lane,
--       ttl of dedup keys and replies (ms), largest number of dedup keys (0 = do not remove any now), their longest ttl
--       (ms), age up to which dedup keys are kept, however many there are (ms), attempt_id, lease (ms), number of entries,
--       entry, entry, ...; with an answer for WeChat also: the answer, time for which the replies stay pending (ms; 0 =
--       they go to the outbox), index of the entry in the answer (from 0, '' = none), member of reply_deadlines, time for
--       which an answer without pending replies can be recalled (ms).
-- Returns {'committed', version, number of removed dedup keys, wait, entries that were in the outbox before},
-- {'duplicate', 0, 0, lease} or {'conflict'}; wait and lease as take_send_lease returns them.
local dedup_key, what, ttl, max_dedup_keys = ARGV[1], ARGV[3], ARGV[7], tonumber(ARGV[8])
local attempt_id, lease, count = ARGV[11], ARGV[12], tonumber(ARGV[13])
local answer = ARGV[14 + count]

-- A script is isolated, not transactional: the first write is the dedup key, and each key of a later write is read
-- before, because a key of another type fails. A lease without replies does no harm.
local current = redis.call('HGET', KEYS[1], 'version') or '0'
local earlier = redis.call('LLEN', KEYS[3])
redis.call('ZCARD', KEYS[5])
if answer then
  redis.call('HLEN', KEYS[6])
  redis.call('ZCARD', KEYS[7])
end
if current ~= ARGV[2] then
  if redis.call('ZSCORE', KEYS[2], dedup_key) then
    return {'duplicate', 0, 0, unpack(take_send_lease(KEYS[3], KEYS[4], attempt_id, lease))}
  end
  return {'conflict'}
end

local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
if redis.call('ZADD', KEYS[2], 'NX', now, dedup_key) == 0 then
  return {'duplicate', 0, 0, unpack(take_send_lease(KEYS[3], KEYS[4], attempt_id, lease))}
end
local version = 0
if what == 'keep' then
  -- Versions of a new context start at the current microsecond: they differ from those of a context removed before.
  version = current == '0' and time[1] * 1000000 + time[2] or current + 1
  redis.call('HSET', KEYS[1], 'version', string.format('%.0f', version), 'context', ARGV[4])
  redis.call('ZADD', KEYS[5], math.floor(now + ARGV[5]), ARGV[6])
elseif what == 'remove' then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[5], ARGV[6])
end
local removed = 0
if max_dedup_keys > 0 then
  removed = redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ttl)
  local surplus = redis.call('ZCARD', KEYS[2]) - max_dedup_keys
  if surplus > 0 then
    surplus = math.min(surplus, redis.call('ZCOUNT', KEYS[2], '-inf', now - ARGV[10]))
  end
  if surplus > 0 then
    removed = removed + redis.call('ZREMRANGEBYRANK', KEYS[2], 0, surplus - 1)
  end
  redis.call('PEXPIRE', KEYS[2], ARGV[9])
end
if answer then
  local wait = tonumber(ARGV[15 + count])
  if wait > 0 then
    local due = string.format('%.0f', math.floor(now + wait))
    redis.call(
      'HSET', KEYS[6], 'state', 'pending', 'answer', answer, 'passive', ARGV[16 + count], 'count', count, 'due', due
    )
    for i = 1, count do
      redis.call('HSET', KEYS[6], i - 1, ARGV[13 + i])
    end
    redis.call('PEXPIRE', KEYS[6], ttl)
    redis.call('ZADD', KEYS[7], due, ARGV[17 + count])
    count = 0
  else
    redis.call('HSET', KEYS[6], 'state', 'delivered', 'answer', answer)
    redis.call('PEXPIRE', KEYS[6], ARGV[18 + count])
  end
end
if count > 0 then
  redis.call('RPUSH', KEYS[3], unpack(ARGV, 14, 13 + count))
  redis.call('PEXPIRE', KEYS[3], ttl)
end
if earlier == 0 then
  if count > 0 then
    redis.call('SET', KEYS[4], attempt_id, 'PX', lease) -- the previous holder has sent everything
  end
  return {'committed', version, removed, 0}
end
local taken = take_send_lease(KEYS[3], KEYS[4], attempt_id, lease)
return {'committed', version, removed, unpack(taken, 1, taken[1] == 0 and 1 + earlier or 1)}
