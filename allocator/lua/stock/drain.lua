#!lua
-- Takes numbers out of a stock: at once where they are here, else when their pool has sent them
-- back (the caller drains them there). Repeatable.
--
-- KEYS   the stock's (include/stock_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2… string    numbers
-- Reply  packed: array with, for each number, { pool it is lent to ("": gone now), packed history,
--        when its last assignment ended ms (0: it isn't known here) }
--@include stock_keys
local reply = {}
for i = 2, #ARGV do
  local number = ARGV[i]
  local record = read_record(number)
  if record and record[POOL] ~= '' then
    record[LEAVING] = 1
    write_record(number, record)
    reply[i - 1] = { record[POOL], '', 0 }
  else
    reply[i - 1] = { '', call('HGET', HISTORY, number) or '', record and record[SINCE] or 0 }
    make_unavailable(number, record)
    call('HDEL', NUMBERS, number)
    call('HDEL', HISTORY, number)
  end
end
return pack(reply)
