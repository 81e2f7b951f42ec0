#!lua
-- Drops histories that went with their numbers into a pool. Repeatable.
--
-- KEYS  the catalog's. ARGV 1 token · 2… numbers. Reply packed: 1 done, 0 the lock was lost.
--@include catalog_keys
if not have_lock(ARGV[1]) then return pack(0) end
for i = 2, #ARGV do
  call('HDEL', HISTORIES, ARGV[i])
  call('ZREM', DEPARTED, ARGV[i])
end
return pack(1)
