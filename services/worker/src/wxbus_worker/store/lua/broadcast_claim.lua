-- Claims recipients as the rate allows, for all workers together. May be repeated: a lost claim expires.
-- KEYS: plan, waiting, claimed. ARGV: limit, claim (ms), time whose unused sends are caught up on (ms).
-- Returns {state, ms until the next claim, openid, openid, ...}.
-- `next` is the time of the next send at the plan's rate.
local state = redis.call('HGET', KEYS[1], 'state')
redis.call('LLEN', KEYS[2])
redis.call('ZCARD', KEYS[3])
if state ~= 'running' then
  return {state or '', 0}
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000
local not_before = tonumber(redis.call('HGET', KEYS[1], 'not_before') or 0)
if not_before > now then
  return {state, math.ceil(not_before - now)}
end
local interval = 1000 / tonumber(redis.call('HGET', KEYS[1], 'rate'))
local next = math.max(tonumber(redis.call('HGET', KEYS[1], 'next') or now), now - tonumber(ARGV[3]))
local count = math.min(tonumber(ARGV[1]), math.floor((now - next) / interval) + 1)
if count < 1 then
  return {state, math.ceil(next - now)}
end
local found = redis.call('ZRANGE', KEYS[3], '-inf', now, 'BYSCORE', 'LIMIT', 0, count)
for _, openid in ipairs(redis.call('LPOP', KEYS[2], math.max(0, count - #found)) or {}) do
  table.insert(found, openid)
end
if #found == 0 then
  local earliest = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
  if #earliest > 0 then
    return {state, math.ceil(tonumber(earliest[2]) - now)}
  end
  redis.call('HSET', KEYS[1], 'state', 'done', 'finished', time[1])
  return {'done', 0}
end
for _, openid in ipairs(found) do
  redis.call('ZADD', KEYS[3], now + tonumber(ARGV[2]), openid)
end
next = next + #found * interval
redis.call('HSET', KEYS[1], 'next', string.format('%.3f', next))
return {state, math.max(1, math.ceil(next - now)), unpack(found)}
