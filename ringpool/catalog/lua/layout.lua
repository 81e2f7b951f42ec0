#!lua
-- Writes down which layout the store's keys have.
--
-- KEYS  the catalog's 8
-- ARGV
--   1  token of the writer; "": only if none is written
--   2  the layout
-- Reply, packed: 1 it is written down, 0 the writer has lost the lock.
--@include catalog_keys
if ARGV[1] == '' then
  if call('HEXISTS', STATE, 'layout') == 0 then call('HSET', STATE, 'layout', ARGV[2]) end
  return pack(1)
end
if not have_lock(ARGV[1]) then return pack(0) end
call('HSET', STATE, 'layout', ARGV[2])
return pack(1)
