-- Moves pending replies into the outbox, without the one that WeChat received as the passive answer. May be repeated.
-- KEYS: pending, reply_deadlines, outbox, send_lease.
-- ARGV: 'delivered' | 'deadline_passed', member of reply_deadlines, time for which the answer can still be recalled (ms),
--       ttl of the outbox (ms), attempt_id, lease (ms).
-- Returns {'released' | 'not_due' (the deadline was extended) | 'absent' (nothing is pending), lease}; lease as
-- take_send_lease returns it.
local note, member = ARGV[1], ARGV[2]
local state = redis.call('HGET', KEYS[1], 'state')
local status = 'absent'
redis.call('ZCARD', KEYS[2])
local sending = redis.call('LLEN', KEYS[3]) > 0
redis.call('GET', KEYS[4])
if state == 'pending' then
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local due = tonumber(redis.call('HGET', KEYS[1], 'due'))
  if note == 'deadline_passed' and now < due then
    redis.call('ZADD', KEYS[2], due, member)
    status = 'not_due'
  else
    if not sending then
      redis.call('DEL', KEYS[4])
    end
    local passive = note == 'delivered' and redis.call('HGET', KEYS[1], 'passive') or ''
    for i = 0, tonumber(redis.call('HGET', KEYS[1], 'count')) - 1 do
      if tostring(i) ~= passive then
        redis.call('RPUSH', KEYS[3], redis.call('HGET', KEYS[1], i))
      end
      redis.call('HDEL', KEYS[1], i)
    end
    redis.call('PEXPIRE', KEYS[3], ARGV[4])
    redis.call('ZREM', KEYS[2], member)
    if note == 'delivered' then
      redis.call('HSET', KEYS[1], 'state', 'delivered')
      redis.call('PEXPIRE', KEYS[1], ARGV[3])
    else
      redis.call('DEL', KEYS[1])
    end
    status = 'released'
  end
elseif not state then
  redis.call('ZREM', KEYS[2], member)
end
return {status, take_send_lease(KEYS[3], KEYS[4], ARGV[5], tonumber(ARGV[6]))}
