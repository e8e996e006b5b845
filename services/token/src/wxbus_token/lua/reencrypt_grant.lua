-- Store the same grant encrypted with another key, unless it was replaced. May be repeated.
-- KEYS: record
-- ARGV: encrypted grant, its digest
-- Returns 1, or 0 if the grant was replaced.
if redis.call('HGET', KEYS[1], 'grant_digest') ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1], 'grant', ARGV[1])
return 1
