-- Find the records that a caller must read: those that have changed since, and those that are due.
-- KEYS: records
-- ARGV: the stamp of each record as the caller knows it, in the same order (`stamp_of` in storage/record.py)
-- Returns their positions, from 1.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = {}
for position, key in ipairs(KEYS) do
  local record = redis.call('HMGET', key, 'digest', 'fence', 'expires_at', 'rejected', 'withdrawn', 'refresh_at')
  local stamp = (record[1] or '') .. ' ' .. (record[2] or '') .. ' ' .. (record[3] or '') .. ' '
    .. (record[4] or '') .. ' ' .. (record[5] or '')
  local due = record[1] and (record[4] == '1' or tonumber(record[6] or 0) <= now)
  if due or stamp ~= ARGV[position] then
    found[#found + 1] = position
  end
end
return found
