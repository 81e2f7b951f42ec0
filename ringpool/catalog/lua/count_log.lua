#!lua
-- Writes counters of the audit log as an audit has counted them.
--
-- KEYS  the catalog's 8
-- ARGV
--   1     token of the writer
--   2…    field of STATE and value in turns
-- Reply, packed: 1 written, 0 the writer has lost the lock.
--@include catalog_keys
if not have_lock(ARGV[1]) then return pack(0) end
for i = 2, #ARGV, 2 do call('HSET', STATE, ARGV[i], ARGV[i + 1]) end
return pack(1)
