#!lua flags=no-writes
-- What the server that keeps the catalog says of itself.
--
-- KEYS  the catalog's. No ARGV. Reply packed: { its clock ms, INFO text }.
--@include catalog_keys
local time = call('TIME')
return pack({ time[1] * 1000 + math.floor(time[2] / 1000),
  call('INFO', 'server') .. call('INFO', 'memory') .. call('INFO', 'persistence')
  .. call('INFO', 'replication') })
