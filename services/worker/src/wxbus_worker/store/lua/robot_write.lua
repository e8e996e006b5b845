-- Writes the text of a robot for which WeCom polls. May be repeated.
-- The text never becomes shorter: a second attempt shows its own text once it has more.
-- KEYS: robot. ARGV: text, '1' = WeCom polls from now on, '1' = the text is complete, longest age of a stream (s).
-- Returns 1 if WeCom gets the text at its next poll, 0 if it does not poll (any more).
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
local now = tonumber(redis.call('TIME')[1])
local began, text, asked, complete, closed =
  unpack(redis.call('HMGET', KEYS[1], 'began', 'text', 'asked', 'complete', 'closed'))
if complete then
  return text == ARGV[1] and 1 or 0
end
if ARGV[2] == '1' then
  redis.call('HSET', KEYS[1], 'asked', now)
  asked = now
end
if not asked or closed or now - began > tonumber(ARGV[4]) then
  return 0
end
if ARGV[3] == '1' then
  redis.call('HSET', KEYS[1], 'text', ARGV[1], 'complete', now)
elseif #ARGV[1] >= #text then
  redis.call('HSET', KEYS[1], 'text', ARGV[1])
end
return 1
