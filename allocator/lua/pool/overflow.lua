#!lua flags=no-writes
-- How many overflow answers the pool gave in a clock hour (UTC).
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 int        the hour, as whole hours since 1970
-- Reply  packed: false when there is no such pool, else int
--@include pool_keys
--@include pool_state
local rules = open_pool(ARGV[1])
if not rules then return pack(false) end
return pack(tonumber(call('HGET', OVERFLOW, ARGV[2]) or 0))
