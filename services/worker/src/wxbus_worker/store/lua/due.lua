-- Takes contexts that are due out of a shard's index: for their event, or for good.
-- KEYS: due. ARGV: prefix of the shard's context keys (their lanes complete them; all in the slot of KEYS[1]),
--       'due' or 'all', most, claim (ms for which nobody else gets them; 0 = delete them).
-- Returns {lane, version or 0 if its context is gone, lane, version, ...}. May be repeated: what was claimed in vain comes again after the claim.
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
