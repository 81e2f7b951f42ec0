#!lua
-- Ends the ownership of numbers that have left, and keeps their former holders for 30 days.
-- Repeatable, and needs no lock: a number that was added again in the meantime isn't leaving.
--
-- KEYS  the catalog's 8
-- ARGV
--   1     owner: "pool/<id>" or "stock/<id>"
--   2     packed array of { number, left at (ms), packed former holders ("": none) }
-- Reply, packed: how many of the numbers were leaving this owner.
--@include catalog_keys
local KEPT_MS, MAX_EXPIRED = 30 * 86400000, 1000
local ended, latest = 0, 0
for _, entry in ipairs(unpack_one(ARGV[2])) do
  local number, left, history = entry[1], entry[2], entry[3]
  if call('HGET', OWNERS, number) == ARGV[1] .. '/leaving' then
    call('HDEL', OWNERS, number)
    if history ~= '' then
      call('HSET', HISTORIES, number, history)
      call('ZADD', DEPARTED, left, number)
    end
    ended = ended + 1
    latest = math.max(latest, left)
  end
end
for _, number in ipairs(call('ZRANGEBYSCORE', DEPARTED, '-inf', latest - KEPT_MS, 'LIMIT', 0, MAX_EXPIRED)) do
  call('HDEL', HISTORIES, number)
  call('ZREM', DEPARTED, number)
end
return pack(ended)
