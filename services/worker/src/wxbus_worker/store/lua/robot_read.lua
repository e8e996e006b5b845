-- Returns the text of a robot so far, and closes it if it is complete or too old. May be repeated.
-- KEYS: robot. ARGV: longest age of a stream (s).
-- Returns {text, 1 = this is all}; nil if there is no such stream.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return nil
end
local began, text, complete = unpack(redis.call('HMGET', KEYS[1], 'began', 'text', 'complete'))
local ends = complete or redis.call('TIME')[1] - began > tonumber(ARGV[1])
if ends then
  redis.call('HSET', KEYS[1], 'closed', 1)
end
return {text, ends and 1 or 0}
