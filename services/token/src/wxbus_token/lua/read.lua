-- Read a record.
-- KEYS: record
-- Returns the time in ms, then: value, digest, fence, expires, refresh, dead, means, digest of the means, withdrawn, false reports,
-- failure text, errcode, state, lasting, until, count, fingerprint (times in ms).
local time = redis.call('TIME')
local record = redis.call('HMGET', KEYS[1], 'value', 'digest', 'fence', 'expires', 'refresh', 'dead',
  'means', 'means_digest', 'withdrawn', 'false_reports',
  'fail_text', 'fail_errcode', 'fail_state', 'fail_lasting', 'fail_until', 'fail_count', 'fail_with')
table.insert(record, 1, time[1] * 1000 + math.floor(time[2] / 1000))
return record
