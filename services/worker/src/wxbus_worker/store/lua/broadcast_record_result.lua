-- Records the result of a claimed recipient. May be repeated: a recipient that is not claimed is not counted again.
-- KEYS: plan, claimed, reasons, refused, attempts. ARGV: openid, reason ('' = sent), consecutive refusals that pause the
--       plan (0 = this refusal concerns the user and does not count).
-- Returns 1 if it was recorded now.
redis.call('HLEN', KEYS[3])
redis.call('LLEN', KEYS[4])
if redis.call('ZREM', KEYS[2], ARGV[1]) == 0 then
  return 0
end
redis.call('HDEL', KEYS[5], ARGV[1])
if ARGV[2] == '' then
  redis.call('HINCRBY', KEYS[1], 'sent', 1)
  redis.call('HSET', KEYS[1], 'in_a_row', 0)
  return 1
end
redis.call('HINCRBY', KEYS[3], ARGV[2], 1)
redis.call('RPUSH', KEYS[4], ARGV[1] .. ' ' .. ARGV[2])
local limit = tonumber(ARGV[3])
if limit > 0 and redis.call('HINCRBY', KEYS[1], 'in_a_row', 1) >= limit
    and redis.call('HGET', KEYS[1], 'state') == 'running' then
  redis.call('HSET', KEYS[1], 'state', 'paused', 'reason', limit .. ' refusals in a row: ' .. ARGV[2])
end
return 1
