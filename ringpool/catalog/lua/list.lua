#!lua
-- Writes chunks of an entity's list of numbers. Repeatable.
--
-- KEYS  the catalog's · 8 the list: hash, index → numbers joined with blanks.
-- ARGV  1 token · 2… index and text by turns ("": the chunk goes).
-- Reply packed: 1 done, 0 the lock was lost.
--@include catalog_keys
if not have_lock(ARGV[1]) then return pack(0) end
for i = 2, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    call('HDEL', KEYS[8], ARGV[i])
  else
    call('HSET', KEYS[8], ARGV[i], ARGV[i + 1])
  end
end
return pack(1)
