#!lua
-- Forgets what the archive has read.
--
-- KEYS   the stock's (include/stock_keys.lua)
-- ARGV   1 string     the first id that stays, whether it is there or not
-- Reply  packed: how many messages are left
--@include stock_keys
call('XTRIM', LEDGER, 'MINID', ARGV[1])
local left = call('XLEN', LEDGER)
if left == 0 then call('UNLINK', LEDGER) end
return pack(left)
