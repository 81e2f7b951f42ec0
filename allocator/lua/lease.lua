#!lua
-- Takes or keeps a lease: of many that ask, one has it at a time.
--
-- KEYS  1 the lease. ARGV 1 who asks · 2 how long, ms (0: give it up).
-- Reply packed: 1 the asker has it, 0 somebody else does.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return cmsgpack.pack(0) end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return cmsgpack.pack(1)
