#!lua
-- Writes fields of one hash of the catalog, and the revision that they belong to. Repeatable.
--
-- KEYS  the catalog's 8, then
--   9     the hash: DOCUMENTS, or an entity's list of numbers (chunk index → numbers, with blanks)
-- ARGV
--   1     token of the writer
--   2     revision that is in force from now on, with new versions of the fields; "" to leave both
--   3…    field and value in turns; "" removes the field
-- Reply, packed: 1 written, 0 the writer has lost the lock.
--@include catalog_keys
if not have_lock(ARGV[1]) then return pack(0) end
-- A writer has a token of its own for each change. It is secret; its digest may be shown.
local version = string.sub(redis.sha1hex(ARGV[1]), 1, 24)
for i = 3, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    call('HDEL', KEYS[9], ARGV[i])
    if ARGV[2] ~= '' then call('HDEL', VERSIONS, ARGV[i]) end
  else
    call('HSET', KEYS[9], ARGV[i], ARGV[i + 1])
    if ARGV[2] ~= '' then call('HSET', VERSIONS, ARGV[i], version) end
  end
end
if ARGV[2] ~= '' then call('HSET', STATE, 'revision', ARGV[2]) end
return pack(1)
