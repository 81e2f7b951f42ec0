#!lua flags=no-writes
-- Where a stock's number is, and who held it at a time, as far as its history is here.
--
-- KEYS   the stock's (include/stock_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 string     number
--        3 int        at, ms (0: now)
-- Reply  packed: false when the number isn't the stock's, else { pool it is lent to (""), leaving
--        (1 or 0), available from ms, holder }: holder an entry of include/history.lua, {} when
--        nobody held it
--@include stock_keys
--@include history
local record = read_record(ARGV[2])
if not record then return pack(false) end
local at = tonumber(ARGV[3])
if at == 0 then at = clock(ARGV[1]) end
return pack({ record[POOL], record[LEAVING], tonumber(call('ZSCORE', AVAILABLE, ARGV[2]) or 0),
  find_holder(call('HGET', HISTORY, ARGV[2]), at) or {} })
