-- Read all entries, if they have changed.
-- KEYS: entries, revision
-- ARGV: the revision that the caller has, '-' for none
-- Returns the time in ms and the revision; then, if it differs from the caller's, each field and its value.
local time = redis.call('TIME')
local revision = redis.call('GET', KEYS[2]) or ''
local answer = { time[1] * 1000 + math.floor(time[2] / 1000), revision }
if revision ~= ARGV[1] then
  for index, part in ipairs(redis.call('HGETALL', KEYS[1])) do
    answer[index + 2] = part
  end
end
return answer
