-- Stores a plan, unless its id is taken. May be repeated.
-- KEYS: plan. ARGV: name of a field, its value, name, value, ...
-- Returns 1 if the plan is new or the same, 0 if the id belongs to another plan.
if redis.call('EXISTS', KEYS[1]) == 0 then
  local time = redis.call('TIME')
  redis.call('HSET', KEYS[1], 'state', 'collecting', 'created', time[1], 'total', 0, 'sent', 0, unpack(ARGV))
  return 1
end
for i = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) ~= ARGV[i + 1] then
    return 0
  end
end
return 1
