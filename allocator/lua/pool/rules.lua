#!lua flags=no-writes
-- The rules of a pool, as they were given it; of one that was closed those that it had.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   none
-- Reply  packed rules (include/pool_state.lua); packed false when there is no such pool
--@include pool_keys
local found = redis.pcall('HMGET', META, 'rules', 'closed_rules')
return found[1] or found[2] or pack(false)
