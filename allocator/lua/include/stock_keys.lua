-- KEYS of every stock script, in the order of allocator/keys.py. All carry the hash tag {stock:id}.
--   1 META       hash  "quarantine" and "quiet" (ms), "last_loan" (ms: the latest loan's name) and,
--                      once a pool that goes by areas or takes one kind grows from it, "areas"
--                      (include/areas.lua); where both do, "general": those of them whose numbers
--                      count as general
--   2 NUMBERS    hash  number → packed { pool it is lent to or on its way to ("": it is here),
--                      since ms (while lent, that is the loan's name; while it is here, when it came
--                      or, where that is known, its last assignment ended), leaving (1: it goes when it
--                      is back), area ("": general; nil, or false before what follows, where META
--                      has no areas), how many calls began while it was here, when the last of these
--                      was, ms (both absent while there is none) }
--   3 AVAILABLE  zset  numbers that are here, by when their quarantine ends (ms)
--   4 MOVING     hash  number on its way to a pool → packed { pool, since ms }
--   5 HISTORY    hash  number → packed former holders (include/history.lua)
--   6 SHELVES    zset  those of AVAILABLE that have an area in their record, "" or not, by it and by
--                      when their quarantine ends
--   7 CALLS      hash  call id → packed, as in a pool (pool/call.lua)
--   8 CALLS_BY_TIME  zset  call ids, by when they came (ms)
--   9 LEDGER     stream  what the archive hasn't read yet, as in a pool (include/pool_ledger.lua); META
--                      has how many entries it ever had as "ledger_entries"
local META, NUMBERS, AVAILABLE, MOVING, HISTORY, SHELVES, CALLS, CALLS_BY_TIME, LEDGER =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local call, pack, unpack_one = redis.call, cmsgpack.pack, cmsgpack.unpack

local POOL, SINCE, LEAVING, AREA, CALLED, CALLED_AT = 1, 2, 3, 4, 5, 6

local function read_record(number)
  local packed = call('HGET', NUMBERS, number)
  return packed and unpack_one(packed)
end

local function write_record(number, record)
  -- nil in between would have it packed as a map.
  if record[CALLED] and record[AREA] == nil then record[AREA] = false end
  call('HSET', NUMBERS, number, pack(record))
end

-- The time in ms. `given`: "" for the server's clock, else the time itself.
local function clock(given)
  if given ~= '' then return tonumber(given) end
  local time = call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Puts a number that is here where it can be found from a time on.
local function make_available(number, record, from)
  call('ZADD', AVAILABLE, from, number)
  if record[AREA] then
    call('ZADD', SHELVES, 0, record[AREA] .. ':' .. string.format('%011x', from) .. number)
  end
end

-- Takes a number from where it can be found; nothing where it isn't there.
local function make_unavailable(number, record)
  local from = record and record[AREA] and call('ZSCORE', AVAILABLE, number)
  if from then
    call('ZREM', SHELVES, record[AREA] .. ':' .. string.format('%011x', from) .. number)
  end
  call('ZREM', AVAILABLE, number)
end

-- What begins the shelf of an area, and where what is available on it ends, both for ZRANGEBYLEX.
local function available_on(area, now)
  return '[' .. area .. ':', '(' .. area .. ':' .. string.format('%011x', now + 1)
end
