-- Read a record.
-- KEYS: record
-- Returns the time in ms, then the fields in the order of HMGET below; times are in ms.
local time = redis.call('TIME')
local record = redis.call('HMGET', KEYS[1], 'value', 'digest', 'fence', 'expires_at', 'refresh_at', 'rejected',
  'grant', 'grant_digest', 'withdrawn', 'false_reports', 'failure_text', 'failure_errcode', 'failure_state',
  'failure_lasting', 'failure_until', 'failures', 'failure_fingerprint')
table.insert(record, 1, time[1] * 1000 + math.floor(time[2] / 1000))
return record
