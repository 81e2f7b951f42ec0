#!lua flags=no-writes
-- A page of the documents; one may come twice.
--
-- KEYS  the catalog's. ARGV 1 cursor ("0" to begin) · 2 about how many.
-- Reply packed: { revision, next cursor ("0": that was the last page), { name, JSON, … } }.
--@include catalog_keys
local page = call('HSCAN', DOCUMENTS, ARGV[1], 'COUNT', ARGV[2])
return pack({ counter('revision'), page[1], page[2] })
