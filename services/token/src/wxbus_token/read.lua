-- Read many records at one moment.
-- KEYS: records
-- Returns the time in ms, then per record: value, digest, fence, expires, refresh, dead,
-- failure text, errcode, lasting, until, count, fingerprint (times in ms).
local time = redis.call('TIME')
local answer = { time[1] * 1000 + math.floor(time[2] / 1000) }
for index, key in ipairs(KEYS) do
  answer[index + 1] = redis.call('HMGET', key, 'value', 'digest', 'fence', 'expires', 'refresh', 'dead',
    'fail_text', 'fail_errcode', 'fail_lasting', 'fail_until', 'fail_count', 'fail_with')
end
return answer
