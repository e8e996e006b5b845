-- Returns whether WeCom has the end of a robot's text, and how long it could have asked for it.
-- KEYS: robot.
-- Returns {1 = it has it, seconds since the text is complete}.
local complete, closed = unpack(redis.call('HMGET', KEYS[1], 'complete', 'closed'))
local now = tonumber(redis.call('TIME')[1])
return {closed and 1 or 0, now - (tonumber(complete or now))}
