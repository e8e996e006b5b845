-- Pauses, resumes or cancels a plan. May be repeated.
-- KEYS: plan, seen, waiting, attempts. ARGV: 'pause', 'resume' or 'cancel', reason of a pause.
-- Returns the state after it, '' without a plan.
local state = redis.call('HGET', KEYS[1], 'state')
if not state then
  return ''
end
local open = state == 'running' or state == 'collecting'
if ARGV[1] == 'pause' and open then
  state = 'paused'
  redis.call('HSET', KEYS[1], 'state', state, 'reason', ARGV[2])
elseif ARGV[1] == 'resume' and state == 'paused' then
  state = redis.call('HGET', KEYS[1], 'complete') and 'running' or 'collecting'
  redis.call('HSET', KEYS[1], 'state', state, 'reason', '', 'in_a_row', 0)
  redis.call('HDEL', KEYS[1], 'not_before', 'next')
elseif ARGV[1] == 'cancel' and (open or state == 'paused') then
  state = 'cancelled'
  redis.call('HSET', KEYS[1], 'state', state)
  redis.call('UNLINK', KEYS[2], KEYS[3], KEYS[4])
end
return state
