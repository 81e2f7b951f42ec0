-- KEYS of every stock script, in the order of allocator/keys.py. All carry the hash tag {stock:id}.
--   1 META       hash  "quarantine" (ms) and "last_loan" (ms: the latest loan's name)
--   2 NUMBERS    hash  number → packed { pool it is lent to or on its way to ("": it is here),
--                      since ms (while lent, that is the loan's name), leaving (1: it goes when it
--                      is back) }
--   3 AVAILABLE  zset  numbers that are here, by when their quarantine ends (ms)
--   4 MOVING     hash  number on its way to a pool → packed { pool, since ms }
--   5 HISTORY    hash  number → packed former holders (include/history.lua)
local META, NUMBERS, AVAILABLE, MOVING, HISTORY = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local call, pack, unpack_one = redis.call, cmsgpack.pack, cmsgpack.unpack

local POOL, SINCE, LEAVING = 1, 2, 3

local function read_record(number)
  local packed = call('HGET', NUMBERS, number)
  return packed and unpack_one(packed)
end

-- The time in ms. `given`: "" for the server's clock, else the time itself.
local function clock(given)
  if given ~= '' then return tonumber(given) end
  local time = call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
