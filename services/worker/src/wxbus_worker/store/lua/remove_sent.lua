-- Removes entries from the outbox that were sent or refused, and renews or ends the send lease. May be repeated.
-- KEYS: outbox, send_lease, set_aside. ARGV: attempt_id, lease (ms; 0 = end it), ttl of set_aside (ms; 0 = the entries
--       are deleted), entry, entry, ...
for i = 4, #ARGV do
  if redis.call('LREM', KEYS[1], 1, ARGV[i]) > 0 and tonumber(ARGV[3]) > 0 then
    redis.call('RPUSH', KEYS[3], ARGV[i])
    redis.call('PEXPIRE', KEYS[3], ARGV[3])
  end
end
if redis.call('GET', KEYS[2]) == ARGV[1] then
  if tonumber(ARGV[2]) == 0 or redis.call('LLEN', KEYS[1]) == 0 then
    redis.call('DEL', KEYS[2])
  else
    redis.call('PEXPIRE', KEYS[2], ARGV[2])
  end
end
return 0
