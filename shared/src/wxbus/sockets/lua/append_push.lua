-- Appends a push to a user's log once, trims the log, and notifies the gateways to which the user is connected.
-- KEYS: log, state (seq, epoch, bytes), recent ids, gateways of the user
-- ARGV: id, body, new epoch, maximum number of pushes and of bytes, seconds kept, prefix of channels, user
-- Returns the number of the push; 0 if a push with this id was appended before.
if redis.call('LPOS', KEYS[3], ARGV[1]) then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) -- milliseconds
redis.call('HSETNX', KEYS[2], 'epoch', ARGV[3])
local seq = redis.call('HINCRBY', KEYS[2], 'seq', 1)
local entry = string.format('%.0f', now) .. ' ' .. ARGV[2]
redis.call('RPUSH', KEYS[1], entry)
local bytes = redis.call('HINCRBY', KEYS[2], 'bytes', #entry)
local length = redis.call('LLEN', KEYS[1])
while length > 1 do
  local oldest = redis.call('LINDEX', KEYS[1], 0)
  local age = now - tonumber(string.match(oldest, '^%d+'))
  if length <= tonumber(ARGV[4]) and bytes <= tonumber(ARGV[5]) and age <= 1000 * tonumber(ARGV[6]) then break end
  redis.call('LPOP', KEYS[1])
  length = length - 1
  bytes = redis.call('HINCRBY', KEYS[2], 'bytes', -#oldest)
end
redis.call('RPUSH', KEYS[3], ARGV[1])
redis.call('LTRIM', KEYS[3], -200, -1)
for index = 1, 3 do redis.call('EXPIRE', KEYS[index], ARGV[6]) end
for _, gateway in ipairs(redis.call('SMEMBERS', KEYS[4])) do
  redis.pcall('PUBLISH', ARGV[7] .. gateway, ARGV[8])
end
return seq
