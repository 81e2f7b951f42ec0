#!lua
-- Notes when API keys were used, each at most once a minute.
--
-- KEYS  one a key, "key-used:<hash>"
-- ARGV  when each was used (ms)
-- Reply, packed: how many were written.
local MINUTE_MS, KEPT_SECONDS = 60000, 34560000
local written = 0
for i = 1, #KEYS do
  if tonumber(redis.call('GET', KEYS[i]) or '0') + MINUTE_MS <= tonumber(ARGV[i]) then
    redis.call('SET', KEYS[i], ARGV[i], 'EX', KEPT_SECONDS)
    written = written + 1
  end
end
return cmsgpack.pack(written)
