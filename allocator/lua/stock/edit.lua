#!lua
-- Sets a stock's rules, and adds numbers to it; repeatable. A number already there stays as it is.
--
-- KEYS   the stock's (include/stock_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 int        quarantine, ms
--        3 packed     array of { number, packed history }
-- Reply  packed int: how many were added
--@include stock_keys
local now = clock(ARGV[1])
call('HSET', META, 'quarantine', ARGV[2])
local added = 0
for _, entry in ipairs(unpack_one(ARGV[3])) do
  local number, history = entry[1], entry[2]
  local record = read_record(number)
  if record then
    record[LEAVING] = 0
    call('HSET', NUMBERS, number, pack(record))
  else
    call('HSET', NUMBERS, number, pack({ '', now, 0 }))
    call('ZADD', AVAILABLE, now, number)
    if history ~= '' then call('HSET', HISTORY, number, history) end
    added = added + 1
  end
end
return pack(added)
