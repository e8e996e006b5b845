-- Grants calls of one endpoint of one account to a process. A repeat after a lost answer grants twice, which is harmless.
-- KEYS: api_calls. ARGV: calls wanted, calls to give back; then for day, hour and minute: limit (0 = none), and the number
--       of the period in which the calls to give back were granted ('' = none).
-- Returns {calls, day, hour, minute} or {0, ms until it may be tried again, errcode}.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local china = now + 8 * 3600000
local stored = redis.call(
  'HMGET', KEYS[1], 'closed_until', 'errcode', 'day', 'day_calls', 'hour', 'hour_calls', 'minute', 'minute_calls'
)
local granted, wait, errcode = tonumber(ARGV[1]), 0, 0
local periods = { { 86400000, 45009 }, { 3600000, 45011 }, { 60000, 45011 } }
for i, period in ipairs(periods) do
  local length, code = unpack(period)
  local number, limit = math.floor(china / length), tonumber(ARGV[2 * i + 1])
  local calls = stored[2 * i + 1] == tostring(number) and tonumber(stored[2 * i + 2]) or 0
  if ARGV[2 * i + 2] == tostring(number) then
    calls = math.max(0, calls - tonumber(ARGV[2]))
  end
  if limit > 0 and calls + granted > limit then
    granted = math.max(0, limit - calls)
    local left = length - china % length
    if calls >= limit and left > wait then
      wait, errcode = left, code
    end
  end
  period.number, period.calls = number, calls
end
local closed = tonumber(stored[1] or 0) - now
if closed > wait then
  granted, wait, errcode = 0, closed, tonumber(stored[2])
end
local day, hour, minute = unpack(periods)
redis.call(
  'HSET', KEYS[1], 'day', day.number, 'day_calls', day.calls + granted,
  'hour', hour.number, 'hour_calls', hour.calls + granted,
  'minute', minute.number, 'minute_calls', minute.calls + granted
)
redis.call('PEXPIRE', KEYS[1], ARGV[3] == '0' and 7200000 or 172800000)
if granted == 0 then
  return { 0, wait, errcode }
end
return { granted, day.number, hour.number, minute.number }
