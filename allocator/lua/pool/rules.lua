#!lua flags=no-writes
-- The rules of a pool, as they were given it.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   none
-- Reply  packed rules (include/pool_state.lua); packed false when there is no such pool
--@include pool_keys
local rules = redis.pcall('HGET', META, 'rules')
return type(rules) == 'string' and rules or pack(false)
