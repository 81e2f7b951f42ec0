#!lua flags=no-writes
-- The catalog at a glance.
--
-- KEYS  the catalog's. No ARGV.
-- Reply packed: { revision, steps of the plan under way (0: none), steps done, locked (1 or 0) }.
--@include catalog_keys
return pack({ counter('revision'), counter('planned'), counter('done'), call('EXISTS', LOCK) })
