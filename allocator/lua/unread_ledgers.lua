#!lua
-- Ledgers of pools and stocks that were deleted, as long as the archive hasn't read them.
--
-- KEYS   1 hash     kind, ":" and id → "1"
-- ARGV   1 string   what to note, kind, ":" and id; "": nothing
--        2 string   what to forget, likewise
-- Reply  packed: array of what is noted
if ARGV[1] ~= '' then redis.call('HSET', KEYS[1], ARGV[1], '1') end
if ARGV[2] ~= '' then redis.call('HDEL', KEYS[1], ARGV[2]) end
return cmsgpack.pack(redis.call('HKEYS', KEYS[1]))
