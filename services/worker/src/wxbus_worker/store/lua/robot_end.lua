-- Returns whether WeCom has fetched the complete text of a robot, and the age of the complete text.
-- KEYS: robot.
-- Returns {1 = fetched, seconds since the text was completed}.
local complete, closed = unpack(redis.call('HMGET', KEYS[1], 'complete', 'closed'))
local now = tonumber(redis.call('TIME')[1])
return {closed and 1 or 0, now - (tonumber(complete or now))}
