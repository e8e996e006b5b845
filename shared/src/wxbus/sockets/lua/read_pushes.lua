-- Reads the pushes after a position.
-- KEYS: log, state
-- ARGV: epoch, number and moment of the client's position, or '' for the end of the log; maximum number of pushes to return
-- Returns the epoch, number and moment of the position before the returned pushes, whether pushes are missing there, and
-- the pushes.
local log = KEYS[1]
local state = redis.call('HMGET', KEYS[2], 'epoch', 'seq')
local epoch, newest = state[1] or '', tonumber(state[2]) or 0
local first = newest - redis.call('LLEN', log) + 1

local function moment(number)
  local entry = number >= first and number <= newest and redis.call('LINDEX', log, number - first)
  return entry and tonumber(string.match(entry, '^%d+')) or 0
end

if ARGV[1] == '' then return {epoch, newest, moment(newest), 0, {}} end
local after, known = tonumber(ARGV[2]), tonumber(ARGV[3])
local missed = false
if ARGV[1] ~= epoch then -- the log is new: the one before has expired, or Redis has lost it
  missed = ARGV[1] ~= '0' -- an empty log is continued by a new one
  after = 0
elseif after > newest or (known > 0 and after >= first and moment(after) ~= known) then
  -- A crash of Redis has lost pushes that the client has: all later ones are new, though their numbers are not.
  missed = true
  after = newest
  while after >= first and moment(after) > known do after = after - 1 end
end
if after < first - 1 then
  missed = true
  after = first - 1
end
local start = after + 1 - first
local found = redis.call('LRANGE', log, start, start + tonumber(ARGV[4]) - 1)
return {epoch, after, moment(after), missed and 1 or 0, found}
