#!lua
-- Removes keys of one slot: what a restore that didn't finish left of them. Repeatable.
--
-- KEYS   any of one slot
-- ARGV   none
-- Reply  packed: 1
redis.call('UNLINK', unpack(KEYS))
return cmsgpack.pack(1)
