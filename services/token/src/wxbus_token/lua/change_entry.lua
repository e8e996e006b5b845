-- Change one entry, if it still has the value that the caller read. May be repeated.
-- KEYS: entries, revision
-- ARGV: field, value before ('' for none), value after ('' to remove it), the new revision, channel, name to announce,
--   the revision that the caller read if no other entry may have changed since, else '-'
-- Returns 1, or 0 if another caller changed it.
local found = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if found == ARGV[3] then
  return 1
end
if found ~= ARGV[2] or (ARGV[7] ~= '-' and (redis.call('GET', KEYS[2]) or '') ~= ARGV[7]) then
  return 0
end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
redis.call('SET', KEYS[2], ARGV[4])
redis.pcall('PUBLISH', ARGV[5], ARGV[6])
return 1
