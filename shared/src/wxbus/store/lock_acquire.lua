-- Take the lock and draw a fencing number. Repeating it after a lost answer tells whether it was taken.
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
-- The time in microseconds: a Redis that lost the last number, or its last second, gives none twice all the same.
local time = redis.call('TIME')
local fence = string.format('%.0f', math.max(last + 1, time[1] * 1000000 + time[2]))
redis.call('SET', KEYS[2], fence)
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. fence, 'PX', ARGV[2])
return tonumber(fence)
