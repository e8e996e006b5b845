-- Let the value be refreshed as soon as somebody looks: it was replaced at WeChat, its overlap runs. May be repeated.
-- KEYS: record
if redis.call('HEXISTS', KEYS[1], 'digest') == 1 then
  redis.call('HSET', KEYS[1], 'refresh', 0)
end
