-- Put before the scripts that claim the send lease of a lane.
-- One attempt at a time holds it, so a worker that lost its partition and its successor do not both send replies. While
-- the outbox is empty the lease has no use: the attempt that removes the last reply lets the lease expire.

-- Returns {milliseconds until the lease of another attempt ends (0: this attempt holds it), entry, entry, ...}
local function take_send_lease(outbox, send_lease, attempt_id, lease_ms)
  local entries = redis.call('LRANGE', outbox, 0, -1)
  if #entries == 0 then
    return {0}
  end
  local holder = redis.call('GET', send_lease)
  if holder and holder ~= attempt_id then
    return {math.max(1, redis.call('PTTL', send_lease))}
  end
  redis.call('SET', send_lease, attempt_id, 'PX', lease_ms)
  table.insert(entries, 1, 0)
  return entries
end
