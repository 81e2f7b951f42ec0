#!lua
-- Writes some of what is remembered of notifications, if what it takes the place of is still there.
--
-- KEYS   1 hash    all that is remembered (ringpool/notifications/memory.py)
-- ARGV   1 int     most fields that it may have
--        then, for each field: its name, the value that is to be there now ("": none), and the one
--        that takes its place ("": none)
-- Reply  packed int: 1 written; 0 something else is there by now; -1 it would have too many fields
local WRITTEN, OTHER, FULL = 1, 0, -1
local added = 0
for i = 2, #ARGV, 3 do
  if (redis.call('HGET', KEYS[1], ARGV[i]) or '') ~= ARGV[i + 1] then return cmsgpack.pack(OTHER) end
  if ARGV[i + 1] == '' and ARGV[i + 2] ~= '' then added = added + 1 end
  if ARGV[i + 1] ~= '' and ARGV[i + 2] == '' then added = added - 1 end
end
if added > 0 and redis.call('HLEN', KEYS[1]) + added > tonumber(ARGV[1]) then
  return cmsgpack.pack(FULL)
end
for i = 2, #ARGV, 3 do
  if ARGV[i + 2] == '' then
    redis.call('HDEL', KEYS[1], ARGV[i])
  else
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2])
  end
end
return cmsgpack.pack(WRITTEN)
