#!lua
-- Forgets what the archive has read; of a pool that may be deleted.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 string     the first id that stays, whether it is there or not
-- Reply  packed: how many messages are left
--@include pool_keys
call('XTRIM', LEDGER, 'MINID', ARGV[1])
local left = call('XLEN', LEDGER)
if left == 0 then call('UNLINK', LEDGER) end
return pack(left)
