#!lua
-- Gives one writer the lock. It expires 30 s after the writer's last script.
--
-- KEYS  the catalog's 8
-- ARGV  1 token of the writer
-- Reply, packed: 1 this writer has the lock, 0 another has it.
--@include catalog_keys
if call('SET', LOCK, ARGV[1], 'NX', 'PX', LOCK_MS) then return pack(1) end
return pack(call('GET', LOCK) == ARGV[1] and 1 or 0)
