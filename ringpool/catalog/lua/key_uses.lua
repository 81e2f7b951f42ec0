#!lua flags=no-writes
-- When API keys were last used.
--
-- KEYS  one a key, "key-used:<hash>"
-- ARGV  none
-- Reply, packed: an array with the time (ms) of each, 0 where none is known.
local times = {}
for i = 1, #KEYS do times[i] = tonumber(redis.call('GET', KEYS[i]) or '0') end
return cmsgpack.pack(times)
