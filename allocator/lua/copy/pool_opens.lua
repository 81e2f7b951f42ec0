#!lua
-- Puts a pool into force whose numbers have been written. Repeatable.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 packed  its rules
--        2 packed  its state, as it was read
-- Reply  packed: 1
--@include pool_keys
--@include pool_state
local state = unpack_one(ARGV[2])
state[SIZE], state[HAS_STALE], state[DRY_UNTIL] = call('HLEN', NUMBERS), 0, 0
call('HSET', META, 'rules', ARGV[1])
save_state(state)
return pack(1)
