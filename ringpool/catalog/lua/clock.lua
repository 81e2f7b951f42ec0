#!lua flags=no-writes
-- The clock of the server that keeps the catalog.
--
-- KEYS  the catalog's 8
-- ARGV  none
-- Reply, packed: ms.
--@include catalog_keys
local time = call('TIME')
return pack(time[1] * 1000 + math.floor(time[2] / 1000))
