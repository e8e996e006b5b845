-- Grants calls of one endpoint of one account to a process. A repeat after a lost answer grants twice, which is harmless.
-- KEYS: api_calls. ARGV: calls wanted, limit of a day (0 = none), limit of a minute (0 = none), calls to give back,
--       day and minute in which those were granted ('' = none).
-- Returns {calls, day, minute} or {0, ms until it may be tried again, errcode}.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local china = now + 8 * 3600000
local day, minute = math.floor(china / 86400000), math.floor(now / 60000)
local stored = redis.call('HMGET', KEYS[1], 'day', 'day_calls', 'minute', 'minute_calls', 'closed_until', 'errcode')
local day_calls = stored[1] == tostring(day) and tonumber(stored[2]) or 0
local minute_calls = stored[3] == tostring(minute) and tonumber(stored[4]) or 0
if ARGV[5] == tostring(day) then
  day_calls = math.max(0, day_calls - tonumber(ARGV[4]))
end
if ARGV[6] == tostring(minute) then
  minute_calls = math.max(0, minute_calls - tonumber(ARGV[4]))
end
local granted, wait, errcode = tonumber(ARGV[1]), 0, 0
local function bound(limit, calls, left_ms, code)
  if limit > 0 and calls + granted > limit then
    granted = math.max(0, limit - calls)
    if granted == 0 and left_ms > wait then
      wait, errcode = left_ms, code
    end
  end
end
bound(tonumber(ARGV[3]), minute_calls, 60000 - now % 60000, 45011)
bound(tonumber(ARGV[2]), day_calls, 86400000 - china % 86400000, 45009)
local closed = tonumber(stored[5] or 0) - now
if closed > wait then
  granted, wait, errcode = 0, closed, tonumber(stored[6])
end
redis.call('HSET', KEYS[1], 'day', day, 'day_calls', day_calls + granted, 'minute', minute, 'minute_calls', minute_calls + granted)
redis.call('PEXPIRE', KEYS[1], 172800000)
if granted == 0 then
  return {0, wait, errcode}
end
return {granted, day, minute}
