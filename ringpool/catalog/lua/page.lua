#!lua flags=no-writes
-- Reads one page of a hash of the catalog. A field may come on two pages.
--
-- KEYS  the catalog's 8, then
--   9     the hash: DOCUMENTS, or an entity's list of numbers
-- ARGV
--   1     cursor: "0" for the first page, then the one of the reply before
--   2     about how many fields a page has
-- Reply, packed: { revision, cursor of the next page ("0": this was the last), { field, value, … } }.
--@include catalog_keys
local page = call('HSCAN', KEYS[9], ARGV[1], 'COUNT', ARGV[2])
return pack({ counter('revision'), page[1], page[2] })
