#!lua
-- Adds numbers to a pool as unassigned ones; repeatable. A number that is draining stays.
--
-- KEYS  the pool's. ARGV 1 now · 2 arrivals, packed (include/pool_arrivals.lua).
-- Reply packed: false when there is no such pool, else the numbers that are in the pool now.
--@include pool_keys
--@include pool_state
--@include pool_record
--@include pool_arrivals
local rules, state = open_pool(ARGV[1])
if not rules then return pack(false) end
local here = take_in(unpack_one(ARGV[2]), rules, state)
state[DRY_UNTIL] = 0
save_state(state)
return pack(here)
