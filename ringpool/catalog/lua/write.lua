#!lua
-- Writes chunks of an entity's list of numbers. Repeatable.
--
-- KEYS  the catalog's 8, then
--   9     the list: a hash of chunk index → numbers, with blanks
-- ARGV
--   1     token of the writer
--   2…    field and value in turns; "" removes the field
-- Reply, packed: 1 written, 0 the writer has lost the lock.
--@include catalog_keys
if not have_lock(ARGV[1]) then return pack(0) end
for i = 2, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    call('HDEL', KEYS[9], ARGV[i])
  else
    call('HSET', KEYS[9], ARGV[i], ARGV[i + 1])
  end
end
return pack(1)
