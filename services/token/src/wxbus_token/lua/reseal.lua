-- Keep the same means sealed under another key, unless others have come. May be repeated.
-- KEYS: record
-- ARGV: sealed means, their digest
-- Returns 1, or 0 if there are others by now.
if redis.call('HGET', KEYS[1], 'means_digest') ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1], 'means', ARGV[1])
return 1
