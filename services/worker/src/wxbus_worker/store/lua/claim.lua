-- Takes the turn to send what the outbox holds.
-- KEYS: outbox, sender. ARGV: run, lease (ms).
return take_turn(KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2]))
