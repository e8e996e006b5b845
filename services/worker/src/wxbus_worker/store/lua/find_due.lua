-- Finds the indexes that have something due.
-- KEYS: sorted sets whose scores are moments in ms.
-- Returns their positions, from 1.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local due = {}
for position, key in ipairs(KEYS) do
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  if first[2] and tonumber(first[2]) <= now then
    table.insert(due, position)
  end
end
return due
