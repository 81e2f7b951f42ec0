#!lua flags=no-writes
-- Where a call to a stock's number is to be looked for, and who held the number last.
--
-- KEYS   the stock's (include/stock_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock); not read
--        2 string     number
-- Reply  packed: false when the number isn't the stock's, else { pool that it is lent to or on its way
--        to (""), holder }: holder an entry of include/history.lua, {} when nobody ever held it, as
--        far as is known
--@include stock_keys
--@include history
local record = read_record(ARGV[2])
if not record then return pack(false) end
return pack({ record[POOL], last_holder(call('HGET', HISTORY, ARGV[2])) or {} })
