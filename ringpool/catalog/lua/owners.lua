#!lua flags=no-writes
-- Who owns numbers.
--
-- KEYS  the catalog's. ARGV numbers. Reply packed: array with the owner of each ("": nobody).
--@include catalog_keys
local reply = {}
for i = 1, #ARGV do reply[i] = call('HGET', OWNERS, ARGV[i]) or '' end
return pack(reply)
