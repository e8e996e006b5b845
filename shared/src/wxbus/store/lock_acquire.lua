-- Acquire the lock and draw a fencing number. Repeated after a lost answer, it returns the number drawn before.
-- KEYS: lock, fence
-- ARGV: owner, lease in ms
-- Returns the fencing number, or 0 if another owner holds the lock.
local held = redis.call('GET', KEYS[1])
local last = tonumber(redis.call('GET', KEYS[2]) or 0)
if held then
  local owner, fence = string.match(held, '^(%S+) (%d+)$')
  if owner ~= ARGV[1] then
    return 0
  end
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return tonumber(fence)
end
-- At least the time in microseconds: a Redis that lost the last number never draws it again.
local time = redis.call('TIME')
local fence = string.format('%.0f', math.max(last + 1, time[1] * 1000000 + time[2]))
redis.call('SET', KEYS[2], fence)
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. fence, 'PX', ARGV[2])
return tonumber(fence)
