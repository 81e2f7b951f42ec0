#!lua
-- Writes what a hash had, and sorted sets that belong to it. Repeatable.
--
-- KEYS   1 the hash, 2… sorted sets
-- ARGV   rows: field, value, then one score for each sorted set ("": it isn't in there)
-- Reply  packed: 1
local width = #KEYS + 1
for i = 1, #ARGV, width do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  for place = 2, #KEYS do
    local score = ARGV[i + place]
    if score ~= '' then redis.call('ZADD', KEYS[place], score, ARGV[i]) end
  end
end
return cmsgpack.pack(1)
