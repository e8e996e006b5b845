-- Returns the code of a robot's response_url.
-- KEYS: robot.
return redis.call('HGET', KEYS[1], 'code')
