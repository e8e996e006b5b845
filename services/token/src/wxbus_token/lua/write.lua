-- Store a fetched value, if the writer's number is the last one drawn: a late holder is refused.
-- KEYS: record, fence of the lock
-- ARGV: fence, sealed value, digest, life in ms, ms until refresh, digests kept, ms the record outlives its value,
-- ms in which reports of a value that WeChat gave again do not count, sealed new means or '', its digest,
-- digest of the means it was fetched with, channel, what is announced there
-- Returns 1, or 0 if the writer is late: another has the lock by now, or other means have come.
local record = redis.call('HMGET', KEYS[1], 'digest', 'history', 'means_digest')
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 0
end
local renewed = ARGV[9] ~= ''
-- The same writer, again after a lost answer: its means are there already.
if renewed and (record[3] or '') ~= ARGV[11] and record[3] ~= ARGV[10] then
  return 0
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if record[1] ~= ARGV[3] then
  local history = {}
  if record[1] then
    history[1] = record[1]
  end
  for digest in string.gmatch(record[2] or '', '%S+') do
    if #history < tonumber(ARGV[6]) then
      history[#history + 1] = digest
    end
  end
  redis.call('HSET', KEYS[1], 'dead', 0, 'history', table.concat(history, ' '))
  redis.call('HDEL', KEYS[1], 'trusted', 'false_reports')
elseif tonumber(ARGV[8]) > 0 then
  redis.call('HSET', KEYS[1], 'dead', 0, 'trusted', string.format('%.0f', now + ARGV[8]))
end
redis.call('HSET', KEYS[1], 'value', ARGV[2], 'digest', ARGV[3], 'fence', ARGV[1],
  'expires', string.format('%.0f', now + ARGV[4]), 'refresh', string.format('%.0f', now + ARGV[5]))
redis.call('HDEL', KEYS[1], 'fail_text', 'fail_errcode', 'fail_state', 'fail_lasting', 'fail_until', 'fail_count',
  'fail_with')
if renewed then
  redis.call('HSET', KEYS[1], 'means', ARGV[9], 'means_digest', ARGV[10])
end
if renewed or record[3] then
  redis.call('PERSIST', KEYS[1])
else
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', ARGV[4] + ARGV[7]))
end
redis.pcall('PUBLISH', ARGV[12], ARGV[13])
return 1
