-- Count one request to WeChat for an account, if the limits allow it now.
-- KEYS: counts
-- ARGV: requests allowed in a minute, in a day
-- Returns 0 and '' if it was counted, else the seconds to wait and the limit that is reached: minute or day.
local time = tonumber(redis.call('TIME')[1])
local minute = math.floor(time / 60)
local day = math.floor((time + 28800) / 86400) -- WeChat counts days in China
local found = redis.call('HMGET', KEYS[1], 'minute', 'in_minute', 'day', 'in_day')
local in_minute = tonumber(found[1]) == minute and tonumber(found[2]) or 0
local in_day = tonumber(found[3]) == day and tonumber(found[4]) or 0
if in_day >= tonumber(ARGV[2]) then
  return { (day + 1) * 86400 - 28800 - time, 'day' }
end
if in_minute >= tonumber(ARGV[1]) then
  return { (minute + 1) * 60 - time, 'minute' }
end
redis.call('HSET', KEYS[1], 'minute', minute, 'in_minute', in_minute + 1, 'day', day, 'in_day', in_day + 1)
redis.call('EXPIRE', KEYS[1], 90000)
return { 0, '' }
