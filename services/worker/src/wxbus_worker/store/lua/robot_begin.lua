-- Begins the answer to a message of a robot, or finds that an earlier attempt began it. May be repeated.
-- KEYS: robot. ARGV: code of the response_url ('' = none), time to live (ms).
-- Returns 1 if WeCom polls for the text already, else 0.
if redis.call('EXISTS', KEYS[1]) == 0 then
  local time = redis.call('TIME')
  redis.call('HSET', KEYS[1], 'began', time[1], 'code', ARGV[1], 'text', '')
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return redis.call('HEXISTS', KEYS[1], 'asked')
