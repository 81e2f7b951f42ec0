#!lua
-- Takes, keeps or gives up a lease: of many that ask, one has it at a time.
--
-- KEYS   1 string  the lease
-- ARGV   1 string  who asks
--        2 int     for how long, ms (0: give it up)
-- Reply  packed int: 1 the asker has it (or has given it up), 0 another has it
local TAKEN, REFUSED = 1, 0
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return cmsgpack.pack(REFUSED) end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return cmsgpack.pack(TAKEN)
