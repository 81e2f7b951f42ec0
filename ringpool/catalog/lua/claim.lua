#!lua
-- Makes an entity the owner of numbers, or marks numbers as leaving it. Repeatable.
--
-- KEYS  the catalog's 8
-- ARGV
--   1     token of the writer
--   2     owner: "pool/<id>" or "stock/<id>"
--   3     "" to own, "/leaving" to mark
--   4…    numbers
-- Reply, packed: 1 done, 0 the writer has lost the lock.
--@include catalog_keys
if not have_lock(ARGV[1]) then return pack(0) end
for i = 4, #ARGV do
  -- A repeated step must not give a number back that has left in the meantime.
  if ARGV[3] == '' or call('HEXISTS', OWNERS, ARGV[i]) == 1 then
    call('HSET', OWNERS, ARGV[i], ARGV[2] .. ARGV[3])
  end
end
return pack(1)
