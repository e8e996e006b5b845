-- Shared by the scripts below it (put before them): who may send what stands in a lane's outbox.
-- One run at a time holds the turn, for a lease; so a worker that was cut off and the one that took over do not both send.

-- Returns {milliseconds until it can be had (0: it is ours now), entry, entry, ...}
local function take_turn(outbox, sender, run, lease_ms)
  local entries = redis.call('LRANGE', outbox, 0, -1)
  if #entries == 0 then
    return {0}
  end
  local holder = redis.call('GET', sender)
  if holder and holder ~= run then
    return {math.max(1, redis.call('PTTL', sender))}
  end
  redis.call('SET', sender, run, 'PX', lease_ms)
  table.insert(entries, 1, 0)
  return entries
end
