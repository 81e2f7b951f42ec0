#!lua flags=no-writes
-- Former holders of numbers that had left every pool.
--
-- KEYS  the catalog's. ARGV numbers. Reply packed: array with the packed history of each ("").
--@include catalog_keys
local reply = {}
for i = 1, #ARGV do reply[i] = call('HGET', HISTORIES, ARGV[i]) or '' end
return pack(reply)
