-- Begins the tenure of a consumer of the partition: scripts of earlier tenures are refused from now on.
-- KEYS: epoch, lanes (lane -> id of its wake-up note).
-- Returns {epoch, {lane, note id, ...}}
return {redis.call('INCR', KEYS[1]), redis.call('HGETALL', KEYS[2])}
