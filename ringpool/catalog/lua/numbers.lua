#!lua flags=no-writes
-- A page of an entity's list of numbers; a chunk may come twice.
--
-- KEYS  the catalog's · 8 the list. ARGV 1 cursor ("0" to begin) · 2 about how many chunks.
-- Reply packed: { revision, next cursor ("0": that was the last page), { index, text, … } }.
--@include catalog_keys
local page = call('HSCAN', KEYS[8], ARGV[1], 'COUNT', ARGV[2])
return pack({ counter('revision'), page[1], page[2] })
