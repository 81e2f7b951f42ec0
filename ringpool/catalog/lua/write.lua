#!lua
-- Writes fields of one hash of the catalog, and the revision that they belong to. Repeatable.
--
-- KEYS  the catalog's 7, then
--   8     the hash: DOCUMENTS, or an entity's list of numbers (chunk index → numbers, with blanks)
-- ARGV
--   1     token of the writer
--   2     revision that is in force from now on, or "" to leave it
--   3…    field and value in turns; "" removes the field
-- Reply, packed: 1 written, 0 the writer has lost the lock.
--@include catalog_keys
if not have_lock(ARGV[1]) then return pack(0) end
for i = 3, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    call('HDEL', KEYS[8], ARGV[i])
  else
    call('HSET', KEYS[8], ARGV[i], ARGV[i + 1])
  end
end
if ARGV[2] ~= '' then call('HSET', STATE, 'revision', ARGV[2]) end
return pack(1)
