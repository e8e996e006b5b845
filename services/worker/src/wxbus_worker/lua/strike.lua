-- Strikes entries off the outbox, because they were sent or given up, and renews or ends the turn.
-- KEYS: outbox, sender. ARGV: run, lease (ms; 0 = end the turn), entry, entry, ...
for i = 3, #ARGV do
  redis.call('LREM', KEYS[1], 1, ARGV[i])
end
if redis.call('GET', KEYS[2]) == ARGV[1] then
  if tonumber(ARGV[2]) == 0 or redis.call('LLEN', KEYS[1]) == 0 then
    redis.call('DEL', KEYS[2])
  else
    redis.call('PEXPIRE', KEYS[2], ARGV[2])
  end
end
return 0
