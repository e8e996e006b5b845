-- Reads the pushes after a number.
-- KEYS: log, state. ARGV: number of the last push that the client has, most pushes to return
-- Returns the epoch, the number of the newest push, the number of the first returned one, and the pushes.
local state = redis.call('HMGET', KEYS[2], 'epoch', 'seq')
local newest = tonumber(state[2]) or 0
local first = newest - redis.call('LLEN', KEYS[1]) + 1
local from = math.max(first, tonumber(ARGV[1]) + 1)
local start = from - first
local found = redis.call('LRANGE', KEYS[1], start, start + tonumber(ARGV[2]) - 1)
return {state[1] or '', newest, from, found}
