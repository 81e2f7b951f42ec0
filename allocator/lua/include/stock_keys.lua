-- KEYS of every stock script, in the order of allocator/keys.py. All carry the tag {stock:id}.
local META, NUMBERS, AVAILABLE, MOVING, HISTORY = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local call, pack, unpack_one = redis.call, cmsgpack.pack, cmsgpack.unpack

-- META has the fields quarantine (ms) and last_loan (ms: the latest loan's name).
-- A number's record: 1 the pool it is lent to or on its way to ("": it is here), 2 since ms (while
-- lent, that is the loan's name),
-- 3 leaving (1: it goes when it is back). What is on its way is in MOVING too: { pool, since }.
local POOL, SINCE, LEAVING = 1, 2, 3

local function read_record(number)
  local packed = call('HGET', NUMBERS, number)
  return packed and unpack_one(packed)
end

local function clock(given)
  if given ~= '' then return tonumber(given) end
  local time = call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
