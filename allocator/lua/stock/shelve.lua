#!lua
-- Puts a page of the stock's numbers on the shelves of these areas; repeatable.
--
-- KEYS   the stock's (include/stock_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 string     areas (include/areas.lua), "" for none
--        3 string     cursor ("0" to begin)
--        4 int        about how many numbers
--        5 string     those of the areas whose numbers count as general, "" for none; missing: none
-- Reply  packed: the next cursor, "0" after the last page
--@include stock_keys
--@include areas
for name, value in pairs({ areas = ARGV[2], general = ARGV[5] or '' }) do
  if value == '' then call('HDEL', META, name) else call('HSET', META, name, value) end
end
local page = call('HSCAN', NUMBERS, ARGV[3], 'COUNT', ARGV[4])
for i = 1, #page[2], 2 do
  local number, record = page[2][i], unpack_one(page[2][i + 1])
  local area = area_of(number, ARGV[2])
  if (record[AREA] or nil) ~= area then
    local from = call('ZSCORE', AVAILABLE, number)
    make_unavailable(number, record)
    record[AREA] = area
    write_record(number, record)
    if from then make_available(number, record, tonumber(from)) end
  end
end
return pack(page[1])
