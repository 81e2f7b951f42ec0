#!lua flags=no-writes
-- Reads keys of one slot as they are at one moment, to be written into another store.
--
-- KEYS   any of one slot
-- ARGV   of each key "hash" or "zset"
-- Reply  packed: for each key { field, value, … } or { member, score, … }
local reply = {}
for i, key in ipairs(KEYS) do
  if ARGV[i] == 'zset' then
    reply[i] = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  else
    local values = redis.call('HVALS', key)
    local flat = {}
    for j, field in ipairs(redis.call('HKEYS', key)) do
      flat[2 * j - 1], flat[2 * j] = field, values[j]
    end
    reply[i] = flat
  end
end
return cmsgpack.pack(reply)
