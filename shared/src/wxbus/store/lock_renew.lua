-- Lengthen the lease, if it is still this hold's.
-- KEYS: lock
-- ARGV: owner and fencing number as the lock has them, lease in ms
-- Returns 1, or 0 if the lease lapsed.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
