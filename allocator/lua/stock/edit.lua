#!lua
-- Sets a stock's rules, and adds numbers to it; repeatable. A number already there stays as it is.
--
-- KEYS   the stock's (include/stock_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 int        quarantine, ms
--        3 packed     array of { number, packed history, when its last assignment ended ms (0: nobody
--                     had it, or long ago; missing: likewise) }: it rests from then on
--        4 int        how long one that was called while it was here waits after the last call, ms;
--                     missing: as before
-- Reply  packed int: how many were added
--@include stock_keys
local now = clock(ARGV[1])
call('HSET', META, 'quarantine', ARGV[2])
if ARGV[4] then call('HSET', META, 'quiet', ARGV[4]) end
local added = 0
for _, entry in ipairs(unpack_one(ARGV[3])) do
  local number, history, used = entry[1], entry[2], entry[3] or 0
  local record = read_record(number)
  if record then
    record[LEAVING] = 0
    write_record(number, record)
  else
    record = { '', used > 0 and used or now, 0 }
    call('HSET', NUMBERS, number, pack(record))
    make_available(number, record, used > 0 and math.max(now, used + ARGV[2]) or now)
    if history ~= '' then call('HSET', HISTORY, number, history) end
    added = added + 1
  end
end
return pack(added)
