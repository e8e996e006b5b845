-- Forgets the attempts of a message, because one has ended. May be repeated.
-- KEYS: unfinished.
return redis.call('DEL', KEYS[1])
