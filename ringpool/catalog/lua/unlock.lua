#!lua
-- Gives the lock back, if it is still this writer's.
--
-- KEYS  the catalog's 8
-- ARGV  1 token of the writer
-- Reply, packed: 1 given back, 0 it was lost before.
--@include catalog_keys
if call('GET', LOCK) ~= ARGV[1] then return pack(0) end
return pack(call('DEL', LOCK))
