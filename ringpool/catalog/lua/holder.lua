#!lua flags=no-writes
-- Who held a number at a time, as far as its history is here: it has left every pool.
--
-- KEYS  the catalog's. ARGV 1 number · 2 at ms.
-- Reply packed: an entry of the allocator's include/history.lua ({}: nobody).
--@include catalog_keys
--@include history
return pack(find_holder(call('HGET', HISTORIES, ARGV[1]), tonumber(ARGV[2])) or {})
