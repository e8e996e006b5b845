-- Say what a reported value is, and note what WeChat says of it. May be repeated.
-- KEYS: record
-- ARGV: digest of the reported value; WeChat's word on it: '' if it was not asked, refused, accepted;
-- ms in which further reports of an accepted value are not checked; channel, what is announced there
-- Returns what the reported value is: current, dead (the current one, and WeChat refuses it), confirmed (the current one,
-- and WeChat said just now that it is valid), stale (one before), unknown, or none (there is no record).
local record = redis.call('HMGET', KEYS[1], 'digest', 'history', 'trusted', 'dead')
if record[1] == ARGV[1] then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  if ARGV[2] == 'refused' then
    redis.call('HSET', KEYS[1], 'dead', 1)
    redis.call('HDEL', KEYS[1], 'trusted')
    redis.pcall('PUBLISH', ARGV[4], ARGV[5])
    return 'dead'
  end
  if record[4] == '1' then
    return 'dead'
  end
  if ARGV[2] == 'accepted' then
    redis.call('HSET', KEYS[1], 'trusted', string.format('%.0f', now + ARGV[3]))
    redis.call('HINCRBY', KEYS[1], 'false_reports', 1)
    return 'confirmed'
  end
  if tonumber(record[3] or 0) > now then
    return 'confirmed'
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
