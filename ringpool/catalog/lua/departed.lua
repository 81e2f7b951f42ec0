#!lua
-- Ends the ownership of numbers that have left, and keeps their former holders for 30 days; after that,
-- for a year, that somebody had them and when they left: a stock that they come to lets them rest.
-- Repeatable, and needs no lock: a number that was added again in the meantime isn't leaving.
--
-- KEYS  the catalog's 8
-- ARGV
--   1     owner: "pool/<id>" or "stock/<id>"
--   2     packed array of { number, left at (ms), packed former holders ("": none) }
--   3     1; 0: they are about to leave, and stay their owner's for now
-- Reply, packed: how many of the numbers were leaving this owner.
--@include catalog_keys
--@include departed
local KEPT_MS, REMEMBERED_MS, MAX_EXPIRED = 30 * 86400000, 365 * 86400000, 1000
local ended, latest = 0, 0
for _, entry in ipairs(unpack_one(ARGV[2])) do
  local number, left, history = entry[1], entry[2], entry[3]
  if call('HGET', OWNERS, number) == ARGV[1] .. '/leaving' then
    if ARGV[3] == '1' then call('HDEL', OWNERS, number) end
    if history ~= '' then
      call('HSET', HISTORIES, number, history)
      call('ZADD', DEPARTED, left, number)
    end
    ended = ended + 1
    latest = math.max(latest, left)
  end
end
local kept = call('ZRANGEBYSCORE', DEPARTED, '-inf', latest - KEPT_MS, 'WITHSCORES', 'LIMIT', 0, MAX_EXPIRED)
for i = 1, #kept, 2 do
  call('HSET', HISTORIES, kept[i], SOMEBODY)
  call('ZADD', DEPARTED, forgotten(tonumber(kept[i + 1])), kept[i])
end
local remembered = call('ZRANGEBYSCORE', DEPARTED, forgotten(0), forgotten(latest - REMEMBERED_MS), 'LIMIT', 0, MAX_EXPIRED)
for _, number in ipairs(remembered) do
  call('HDEL', HISTORIES, number)
  call('ZREM', DEPARTED, number)
end
return pack(ended)
