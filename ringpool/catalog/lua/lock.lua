#!lua
-- Lets one writer in. The lock expires 30 s after its holder's last step.
--
-- KEYS  the catalog's. ARGV 1 token.
-- Reply packed: 1 this token has the lock, 0 another has.
--@include catalog_keys
if call('SET', LOCK, ARGV[1], 'NX', 'PX', LOCK_MS) then return pack(1) end
return pack(call('GET', LOCK) == ARGV[1] and 1 or 0)
