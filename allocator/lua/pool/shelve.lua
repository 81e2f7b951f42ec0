#!lua
-- Puts a page of the pool's numbers on the shelves of the areas that its rules name now, or takes
-- them off where they name none; repeatable.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 int        revision of the rules that it is for
--        3 string     cursor ("0" to begin)
--        4 int        about how many numbers
-- Reply  packed: false when there is no such pool, else the next cursor, "0" after the last page and
--        when other rules are in force by now
--@include pool_keys
--@include pool_state
--@include pool_record
--@include areas
local rules, state = open_pool(ARGV[1])
if not rules then return pack(false) end
if rules[REVISION] ~= tonumber(ARGV[2]) then return pack('0') end
local page = call('HSCAN', NUMBERS, ARGV[3], 'COUNT', ARGV[4])
for i = 1, #page[2], 2 do
  local number, record = page[2][i], unpack_one(page[2][i + 1])
  local area = area_of(number, rules[AREAS])
  if (record[AREA] or nil) ~= area then
    unshelve(number, record)
    record[AREA] = area
    write_record(number, record)
    if record[LEAVING] == 0 then shelve(number, record) end
  end
end
if page[1] == '0' then state[SHELVED] = 1 end
save_state(state)
return pack(page[1])
