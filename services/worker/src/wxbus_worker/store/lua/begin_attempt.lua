-- Counts the attempts of a message that began and did not end. May be repeated.
-- KEYS: unfinished. ARGV: attempt_id that begins ('' = only count), time to live (ms).
-- Returns how many attempts began before this one.
local before = redis.call('HLEN', KEYS[1])
if ARGV[1] ~= '' then
  before = before - redis.call('HEXISTS', KEYS[1], ARGV[1])
  redis.call('HSET', KEYS[1], ARGV[1], 1)
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return before
