#!lua flags=no-writes
-- The state of the catalog.
--
-- KEYS  the catalog's 8
-- ARGV  none
-- Reply, packed: { revision, steps of the plan in force (0: there is none), steps done,
--   1 if a writer has the lock, else 0, the layout of the keys (0: none is written down) }.
--@include catalog_keys
return pack({ counter('revision'), counter('planned'), counter('done'), call('EXISTS', LOCK),
  counter('layout') })
