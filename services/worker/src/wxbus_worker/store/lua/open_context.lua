-- Reads a lane before a message is handled.
-- KEYS: context, dedup. ARGV: dedup_key.
-- Returns {version, context or false, 1 if the message was committed before}
return {
  tonumber(redis.call('HGET', KEYS[1], 'version') or 0),
  redis.call('HGET', KEYS[1], 'context'),
  redis.call('ZSCORE', KEYS[2], ARGV[1]) and 1 or 0,
}
