-- Moves the cursor of a customer-service account, unless another worker has moved it. May be repeated.
-- KEYS: kf_cursor. ARGV: cursor that was read ('' = none), next cursor.
-- Returns 1, or 0 if the cursor has another value.
local current = redis.call('GET', KEYS[1]) or ''
if current ~= ARGV[1] and current ~= ARGV[2] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
