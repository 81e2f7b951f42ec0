#!lua flags=no-writes
-- The clock of the server that keeps the catalog, and what it reports about itself.
--
-- KEYS  the catalog's 8
-- ARGV  none
-- Reply, packed: { clock (ms), text of INFO }.
--@include catalog_keys
local time = call('TIME')
return pack({ time[1] * 1000 + math.floor(time[2] / 1000),
  call('INFO', 'server') .. call('INFO', 'memory') .. call('INFO', 'persistence')
  .. call('INFO', 'replication') })
