#!lua flags=no-writes
-- What was too long for an entry of the audit log.
--
-- KEYS  the catalog's 8, then
--   9     DETAILS (see publish)
-- ARGV  1 revision
-- Reply, packed: the details, "" where none are kept.
--@include catalog_keys
return pack(call('HGET', KEYS[9], ARGV[1]) or '')
