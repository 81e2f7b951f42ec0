#!lua flags=no-writes
-- The versions of documents, and the revision at which they have them.
--
-- KEYS  the catalog's 8
-- ARGV  fields of DOCUMENTS
-- Reply, packed: { revision, { version of each field, "" where it has none } }.
--@include catalog_keys
local found = {}
for i = 1, #ARGV do found[i] = call('HGET', VERSIONS, ARGV[i]) or '' end
return pack({ counter('revision'), found })
