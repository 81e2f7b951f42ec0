#!lua
-- Writes fields of a hash or members of a sorted set, as copy/read.lua has read them. Repeatable.
--
-- KEYS   1 the key
-- ARGV   1 "hash" or "zset"
--        2… field and value, or member and score, in turns
-- Reply  packed: 1
for i = 2, #ARGV, 2 do
  if ARGV[1] == 'zset' then
    redis.call('ZADD', KEYS[1], ARGV[i + 1], ARGV[i])
  else
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
return cmsgpack.pack(1)
