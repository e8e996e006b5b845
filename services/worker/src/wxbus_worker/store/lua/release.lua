-- Moves replies that were held into the outbox, without the one that WeChat was answered with. May be repeated.
-- KEYS: held, late, outbox, sender.
-- ARGV: 'taken' | 'late', member of late, time for which the answer can still be recalled (ms), ttl of the outbox (ms), run, lease (ms).
-- Returns {'released' | 'kept' (somebody may still take it) | 'gone' (it was not held any more), turn}; turn as take_turn returns it.
local way, member = ARGV[1], ARGV[2]
local state = redis.call('HGET', KEYS[1], 'state')
local status = 'gone'
redis.call('ZCARD', KEYS[2])
redis.call('LLEN', KEYS[3])
redis.call('GET', KEYS[4])
if state == 'held' then
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local due = tonumber(redis.call('HGET', KEYS[1], 'due'))
  if way == 'late' and now < due then
    redis.call('ZADD', KEYS[2], due, member)
    status = 'kept'
  else
    local passive = way == 'taken' and redis.call('HGET', KEYS[1], 'passive') or ''
    for i = 0, tonumber(redis.call('HGET', KEYS[1], 'count')) - 1 do
      if tostring(i) ~= passive then
        redis.call('RPUSH', KEYS[3], redis.call('HGET', KEYS[1], i))
      end
      redis.call('HDEL', KEYS[1], i)
    end
    redis.call('PEXPIRE', KEYS[3], ARGV[4])
    redis.call('ZREM', KEYS[2], member)
    if way == 'taken' then
      redis.call('HSET', KEYS[1], 'state', 'taken')
      redis.call('PEXPIRE', KEYS[1], ARGV[3])
    else
      redis.call('DEL', KEYS[1])
    end
    status = 'released'
  end
elseif not state then
  redis.call('ZREM', KEYS[2], member)
end
return {status, take_turn(KEYS[3], KEYS[4], ARGV[5], tonumber(ARGV[6]))}
