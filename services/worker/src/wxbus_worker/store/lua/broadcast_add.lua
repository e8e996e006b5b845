-- Adds recipients to a plan that is being collected, each once. May be repeated.
-- KEYS: plan, seen, waiting. ARGV: '1' if these are the last ones, cursor of the next page, openid, openid, ...
-- Returns {state, number of recipients}.
local state = redis.call('HGET', KEYS[1], 'state')
redis.call('SCARD', KEYS[2])
redis.call('LLEN', KEYS[3])
if state == 'collecting' then
  local new = 0
  for i = 3, #ARGV do
    if redis.call('SADD', KEYS[2], ARGV[i]) == 1 then
      redis.call('RPUSH', KEYS[3], ARGV[i])
      new = new + 1
    end
  end
  redis.call('HSET', KEYS[1], 'cursor', ARGV[2])
  redis.call('HINCRBY', KEYS[1], 'total', new)
  if ARGV[1] == '1' then
    state = 'running'
    redis.call('HSET', KEYS[1], 'complete', 1)
    redis.call('UNLINK', KEYS[2])
    if redis.call('HGET', KEYS[1], 'dry_run') == '1' then
      state = 'done'
      redis.call('UNLINK', KEYS[3])
    end
    redis.call('HSET', KEYS[1], 'state', state)
  end
end
return {state, tonumber(redis.call('HGET', KEYS[1], 'total') or 0)}
