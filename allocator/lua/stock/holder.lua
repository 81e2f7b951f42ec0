#!lua flags=no-writes
-- Where a stock's number is, and who held it at a time, as far as its history lies here.
--
-- KEYS  the stock's. ARGV 1 now · 2 number · 3 at ms (0: now).
-- Reply packed: false when the number isn't the stock's, else { pool it is lent to (""), since ms,
--   leaving, available from ms, holding }, holding as in holder.lua ({}: nobody).
--@include stock_keys
local record = read_record(ARGV[2])
if not record then return pack(false) end
local at = tonumber(ARGV[3])
if at == 0 then at = clock(ARGV[1]) end
local holding = {}
local history = call('HGET', HISTORY, ARGV[2])
if history then
  for _, entry in ipairs({ unpack_one(string.sub(history, 3)) }) do
    if entry[3] <= at and at < entry[4] then holding = entry end
  end
end
return pack({ record[POOL], record[SINCE], record[LEAVING],
  tonumber(call('ZSCORE', AVAILABLE, ARGV[2]) or 0), holding })
