#!lua
-- Writes documents and the revision that has them. Repeatable.
--
-- KEYS  the catalog's. ARGV 1 token · 2 revision · 3… name and JSON by turns ("": it goes).
-- Reply packed: 1 done, 0 the lock was lost.
--@include catalog_keys
if not have_lock(ARGV[1]) then return pack(0) end
for i = 3, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    call('HDEL', DOCUMENTS, ARGV[i])
  else
    call('HSET', DOCUMENTS, ARGV[i], ARGV[i + 1])
  end
end
call('HSET', STATE, 'revision', ARGV[2])
return pack(1)
