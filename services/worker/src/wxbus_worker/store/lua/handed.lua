-- Notes that a context's removal was handed to its lane, so that it is not handed over again.
-- KEYS: context, due. ARGV: lane, version, time after which it is handed over again all the same (ms).
local time = redis.call('TIME')
if redis.call('HGET', KEYS[1], 'version') == ARGV[2] then
  local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  redis.call('ZADD', KEYS[2], 'XX', now + tonumber(ARGV[3]), ARGV[1])
end
return 0
