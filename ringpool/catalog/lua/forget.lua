#!lua
-- Drops the former holders of numbers: they went into a pool with their numbers. Repeatable.
--
-- KEYS  the catalog's 8
-- ARGV
--   1     token of the writer
--   2…    numbers
-- Reply, packed: 1 done, 0 the writer has lost the lock.
--@include catalog_keys
if not have_lock(ARGV[1]) then return pack(0) end
for i = 2, #ARGV do
  call('HDEL', HISTORIES, ARGV[i])
  call('ZREM', DEPARTED, ARGV[i])
end
return pack(1)
