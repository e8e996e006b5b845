-- Returns how far a customer-service account has been read.
-- KEYS: kf_cursor.
-- Returns the cursor, or nil before the first page.
return redis.call('GET', KEYS[1])
