-- Stops calls of an endpoint of an account by all processes, because WeChat refused a call. May be repeated.
-- KEYS: api_calls. ARGV: errcode, the longest time (ms), 1 if WeChat's day ends it.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local wait = tonumber(ARGV[2])
if ARGV[3] == '1' then
  wait = math.min(wait, 86400000 - (now + 8 * 3600000) % 86400000)
end
redis.call('HSET', KEYS[1], 'closed_until', now + wait, 'errcode', ARGV[1])
redis.call('PEXPIRE', KEYS[1], 172800000)
return wait
