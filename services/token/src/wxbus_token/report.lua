-- Mark the current value as dead, if it is the one reported. May be repeated.
-- KEYS: record
-- ARGV: digest of the reported value, channel, what is announced there
-- Returns what the reported value is: current, confirmed (WeChat gave it again just now), stale (one before), unknown,
-- or none (there is no record).
local record = redis.call('HMGET', KEYS[1], 'digest', 'history', 'trusted')
if record[1] == ARGV[1] then
  local time = redis.call('TIME')
  if tonumber(record[3] or 0) > time[1] * 1000 + math.floor(time[2] / 1000) then
    return 'confirmed'
  end
  redis.call('HSET', KEYS[1], 'dead', 1)
  redis.pcall('PUBLISH', ARGV[2], ARGV[3])
  return 'current'
end
if not record[1] then
  return 'none'
end
for digest in string.gmatch(record[2] or '', '%S+') do
  if digest == ARGV[1] then
    return 'stale'
  end
end
return 'unknown'
