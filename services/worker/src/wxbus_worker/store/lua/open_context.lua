-- Reads a lane before a message is handled.
-- KEYS: context, dedup.
-- Returns {version, context or false, the dedup keys of committed messages, oldest first, each followed by a line feed}
local known = redis.call('ZRANGE', KEYS[2], 0, -1)
known[#known + 1] = ''
return {
  tonumber(redis.call('HGET', KEYS[1], 'version') or 0),
  redis.call('HGET', KEYS[1], 'context'),
  table.concat(known, '\n'),
}
