-- Reads a plan and its results. May be repeated.
-- KEYS: plan, waiting, claimed, reasons.
-- Returns {fields and values, number of waiting, number of claimed, reasons and numbers}.
return {
  redis.call('HGETALL', KEYS[1]),
  redis.call('LLEN', KEYS[2]),
  redis.call('ZCARD', KEYS[3]),
  redis.call('HGETALL', KEYS[4]),
}
