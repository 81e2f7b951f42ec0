#!lua
-- Ledgers that the archive should read though nobody asks their pool for numbers: of pools that were
-- deleted, and of pools and stocks that took calls.
--
-- KEYS   1 hash     kind, ":" and id → how often it was noted
-- ARGV   1… string  ledgers to note, kind, ":" and id; or, first "read", then two for each ledger that was
--                   read: it, and how often it had been noted before that; what was noted again stays
-- Reply  packed: array of each ledger that is noted, then how often, one after the other
local read = ARGV[1] == 'read'
for i = read and 2 or 1, #ARGV, read and 2 or 1 do
  if not read then
    redis.call('HINCRBY', KEYS[1], ARGV[i], 1)
  elseif redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then
    redis.call('HDEL', KEYS[1], ARGV[i])
  end
end
return cmsgpack.pack(redis.call('HGETALL', KEYS[1]))
