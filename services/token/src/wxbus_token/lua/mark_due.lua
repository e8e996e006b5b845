-- Mark the value as due for a refresh: WeChat has replaced it, and it lives for the overlap only. May be repeated.
-- KEYS: record
if redis.call('HEXISTS', KEYS[1], 'digest') == 1 then
  redis.call('HSET', KEYS[1], 'refresh_at', 0)
end
