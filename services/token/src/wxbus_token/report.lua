-- Mark the current value as dead, if it is the one reported. May be repeated.
-- KEYS: record
-- ARGV: digest of the reported value
-- Returns what the reported value is: current, stale (one before), unknown, or none (there is no record).
local record = redis.call('HMGET', KEYS[1], 'digest', 'history')
if record[1] == ARGV[1] then
  redis.call('HSET', KEYS[1], 'dead', 1)
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
