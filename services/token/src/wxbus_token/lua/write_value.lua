-- Store a fetched value, if the writer's fence is the newest. May be repeated.
-- KEYS: record, fence of the lock
-- ARGV: fence, encrypted value, its digest, lifetime in ms, ms until the refresh, number of digests kept,
--   ms for which the record outlives its value, ms for which a value issued again counts as accepted,
--   encrypted new grant or '', its digest, digest of the grant used for the fetch, channel, name to announce
-- Returns 1, or 0 if the fence is stale or another grant was stored meanwhile.
local record = redis.call('HMGET', KEYS[1], 'digest', 'history', 'grant_digest')
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 0
end
local renewed = ARGV[9] ~= ''
-- The new grant is there already if the same write is repeated after a lost answer.
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
  redis.call('HSET', KEYS[1], 'rejected', 0, 'history', table.concat(history, ' '))
  redis.call('HDEL', KEYS[1], 'accepted_until', 'false_reports')
elseif tonumber(ARGV[8]) > 0 then
  redis.call('HSET', KEYS[1], 'rejected', 0, 'accepted_until', string.format('%.0f', now + ARGV[8]))
end
redis.call('HSET', KEYS[1], 'value', ARGV[2], 'digest', ARGV[3], 'fence', ARGV[1],
  'expires_at', string.format('%.0f', now + ARGV[4]), 'refresh_at', string.format('%.0f', now + ARGV[5]))
redis.call('HDEL', KEYS[1], 'failure_text', 'failure_errcode', 'failure_state', 'failure_lasting', 'failure_until',
  'failures', 'failure_fingerprint')
if renewed then
  redis.call('HSET', KEYS[1], 'grant', ARGV[9], 'grant_digest', ARGV[10])
end
if renewed or record[3] then
  redis.call('PERSIST', KEYS[1])
else
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', ARGV[4] + ARGV[7]))
end
redis.pcall('PUBLISH', ARGV[12], ARGV[13])
return 1
