-- Returns a claimed recipient that may not have got the message, and lets the plan wait. May be repeated.
-- KEYS: plan, waiting, claimed, attempts, reasons, refused. ARGV: openid, time for which the plan waits (ms), attempts
--       after which the recipient counts as refused (0 = this one does not count), reason of that refusal, reason for
--       a pause ('' = none).
redis.call('LLEN', KEYS[2])
redis.call('HLEN', KEYS[4])
redis.call('HLEN', KEYS[5])
redis.call('LLEN', KEYS[6])
if redis.call('ZREM', KEYS[3], ARGV[1]) == 0 then
  return 0
end
local state = redis.call('HGET', KEYS[1], 'state')
local limit = tonumber(ARGV[3])
if limit > 0 and redis.call('HINCRBY', KEYS[4], ARGV[1], 1) >= limit then
  redis.call('HDEL', KEYS[4], ARGV[1])
  redis.call('HINCRBY', KEYS[5], ARGV[4], 1)
  redis.call('RPUSH', KEYS[6], ARGV[1] .. ' ' .. ARGV[4])
elseif state ~= 'cancelled' then
  redis.call('LPUSH', KEYS[2], ARGV[1])
end
if tonumber(ARGV[2]) > 0 then
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000
  redis.call('HSET', KEYS[1], 'not_before', string.format('%.0f', now + tonumber(ARGV[2])))
  redis.call('HDEL', KEYS[1], 'next')
end
if ARGV[5] ~= '' and state == 'running' then
  redis.call('HSET', KEYS[1], 'state', 'paused', 'reason', ARGV[5])
end
return 1
