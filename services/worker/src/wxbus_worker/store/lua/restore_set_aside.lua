-- Puts the replies of a message that were set aside into the outbox again, and claims the send lease. May be repeated.
-- KEYS: outbox, send_lease, set_aside. ARGV: attempt_id, lease (ms), ttl of the outbox (ms).
local sending = redis.call('LLEN', KEYS[1]) > 0
redis.call('GET', KEYS[2])
local entries = redis.call('LRANGE', KEYS[3], 0, -1)
if #entries > 0 then
  if not sending then
    redis.call('DEL', KEYS[2])
  end
  redis.call('RPUSH', KEYS[1], unpack(entries))
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  redis.call('DEL', KEYS[3])
end
return take_send_lease(KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2]))
