-- Claims the send lease, if the outbox holds anything. May be repeated.
-- KEYS: outbox, send_lease. ARGV: attempt_id, lease (ms).
return take_send_lease(KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2]))
