#!lua flags=no-writes
-- Who held a number at a time before it left its last pool.
--
-- KEYS  the catalog's 8
-- ARGV
--   1     number
--   2     time (ms)
-- Reply, packed: an entry of the allocator's include/history.lua; {} if nobody held it then.
--@include catalog_keys
--@include history
return pack(find_holder(call('HGET', HISTORIES, ARGV[1]), tonumber(ARGV[2])) or {})
