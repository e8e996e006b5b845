-- Take the lock and draw a fencing number. Repeating it after a lost answer tells whether it was taken.
-- KEYS: lock, fence
-- ARGV: owner, lease in ms
-- Returns the fencing number, or 0 if another owner holds the lock.
local held = redis.call('GET', KEYS[1])
if held then
  local owner, fence = string.match(held, '^(%S+) (%d+)$')
  if owner ~= ARGV[1] then
    return 0
  end
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return tonumber(fence)
end
local fence = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. fence, 'PX', ARGV[2])
return fence
