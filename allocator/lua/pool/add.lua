#!lua
-- Adds numbers to a pool as unassigned ones; repeatable. A number that is draining stays.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 packed     arrivals (include/pool_arrivals.lua)
-- Reply  packed: false when there is no such pool, else array of the numbers that are in the pool
--        now
--@include pool_keys
--@include pool_state
--@include pool_record
--@include areas
--@include pool_arrivals
local rules, state = open_pool(ARGV[1])
if not rules then return pack(false) end
local present = add_arrivals(unpack_one(ARGV[2]), rules, state)
state[DRY_UNTIL] = 0
save_state(state)
return pack(present)
