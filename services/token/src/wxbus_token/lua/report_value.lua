-- Return the verdict on a reported value, and store WeChat's answer about it. May be repeated.
-- KEYS: record
-- ARGV: digest of the reported value, WeChat's answer ('' if it was not asked, rejected, accepted),
--   ms for which an accepted value is not checked again, channel, name to announce
-- Returns current, rejected (current, and WeChat rejects it), accepted (current, and WeChat accepted it just now),
--   stale (replaced before), unknown, or none (there is no record).
local record = redis.call('HMGET', KEYS[1], 'digest', 'history', 'accepted_until', 'rejected')
if record[1] == ARGV[1] then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  if ARGV[2] == 'rejected' then
    redis.call('HSET', KEYS[1], 'rejected', 1)
    redis.call('HDEL', KEYS[1], 'accepted_until')
    redis.pcall('PUBLISH', ARGV[4], ARGV[5])
    return 'rejected'
  end
  if record[4] == '1' then
    return 'rejected'
  end
  if ARGV[2] == 'accepted' then
    redis.call('HSET', KEYS[1], 'accepted_until', string.format('%.0f', now + ARGV[3]))
    redis.call('HINCRBY', KEYS[1], 'false_reports', 1)
    return 'accepted'
  end
  if tonumber(record[3] or 0) > now then
    return 'accepted'
  end
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
