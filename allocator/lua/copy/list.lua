#!lua
-- Writes a short list anew. Repeatable.
--
-- KEYS   1 the list
-- ARGV   1 int      when it is forgotten, unless it is written to before (ms)
--        2… string  its values
-- Reply  packed: 1
redis.call('DEL', KEYS[1])
if ARGV[2] then
  redis.call('RPUSH', KEYS[1], unpack(ARGV, 2))
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return cmsgpack.pack(1)
