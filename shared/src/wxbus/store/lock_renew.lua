-- Renew the lease, if this hold still has the lock.
-- KEYS: lock
-- ARGV: owner and fencing number as in the value of the lock, lease in ms
-- Returns 1, or 0 if the lease had expired.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
