-- Records that the expiry of a context is published to its lane: it is due again only after a time. May be repeated.
-- KEYS: context, context_expiries. ARGV: lane, version, that time (ms).
local time = redis.call('TIME')
if redis.call('HGET', KEYS[1], 'version') == ARGV[2] then
  local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  redis.call('ZADD', KEYS[2], 'XX', now + tonumber(ARGV[3]), ARGV[1])
end
return 0
