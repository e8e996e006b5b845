-- Claims the contexts of a shard whose expiry is due, or deletes them. May be repeated.
-- KEYS: context_expiries. ARGV: prefix of the shard's context keys (the lane completes it; all in the slot of KEYS[1]),
--       'due' or 'all', limit, claim (ms for which no other process gets them; 0 = delete them).
-- Returns {lane, version or 0 if its context is gone, lane, version, ...}. They are due again after the claim.
local prefix, claim = ARGV[1], tonumber(ARGV[4])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local upto = ARGV[2] == 'all' and '+inf' or now
local taken = {}
for _, lane in ipairs(redis.call('ZRANGE', KEYS[1], '-inf', upto, 'BYSCORE', 'LIMIT', 0, ARGV[3])) do
  local version = redis.call('HGET', prefix .. lane, 'version')
  if version and claim > 0 then
    redis.call('ZADD', KEYS[1], now + claim, lane)
  else
    redis.call('DEL', prefix .. lane)
    redis.call('ZREM', KEYS[1], lane)
  end
  table.insert(taken, lane)
  table.insert(taken, version or '0')
end
return taken
