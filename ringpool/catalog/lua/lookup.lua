#!lua flags=no-writes
-- Looks numbers up in one hash of the catalog.
--
-- KEYS  the catalog's 8, then
--   9     the hash: OWNERS, HISTORIES or CHANGES
-- ARGV  numbers, or other fields
-- Reply, packed: an array with the value of each, "" where it has none.
--@include catalog_keys
local reply = {}
for i = 1, #ARGV do reply[i] = call('HGET', KEYS[9], ARGV[i]) or '' end
return pack(reply)
