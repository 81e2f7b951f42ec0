#!lua flags=no-writes
-- A page of a stock's numbers, in no order; a number may come twice while the stock changes.
--
-- KEYS   the stock's (include/stock_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 string     cursor ("0" to begin)
--        3 int        about how many
-- Reply  packed { next cursor ("0": that was the last page), now ms, array of { number, pool it is lent
--        to or on its way to (""), 1 it is on its way, else 0, leaving (1 or 0), available from ms (0:
--        it isn't here), calls since it is here, when the last of these was ms (0: there is none) } }
--@include stock_keys
local page = call('HSCAN', NUMBERS, ARGV[2], 'COUNT', ARGV[3])
local rows = {}
for i = 1, #page[2], 2 do
  local number, record = page[2][i], unpack_one(page[2][i + 1])
  local here = record[POOL] == ''
  rows[#rows + 1] = { number, record[POOL], here and 0 or call('HEXISTS', MOVING, number),
    record[LEAVING], here and tonumber(call('ZSCORE', AVAILABLE, number) or 0) or 0,
    record[CALLED] or 0, record[CALLED_AT] or 0 }
end
return pack({ page[1], clock(ARGV[1]), rows })
