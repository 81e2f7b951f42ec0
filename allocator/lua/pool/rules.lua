#!lua flags=no-writes
-- The rules of a pool, as they were given it.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   none
-- Reply  packed rules (include/pool_state.lua); packed false when there is no such pool
--@include pool_keys
return call('HGET', META, 'rules') or pack(false)
