#!lua flags=no-writes
-- A page of a pool's numbers, in no order; a number may come twice while the pool changes.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 string     cursor ("0" to begin)
--        3 int        about how many
-- Reply  packed: false when there is no such pool, else { next cursor ("0": that was the last
--        page), array of { number, tuple, since ms, until ms, last activity ms, clicks, calls,
--        leaving, loan } }, as in include/pool_record.lua
--@include pool_keys
--@include pool_state
--@include pool_record
local rules = open_pool(ARGV[1])
if not rules then return pack(false) end
local page = call('HSCAN', NUMBERS, ARGV[2], 'COUNT', ARGV[3])
local rows = {}
for i = 1, #page[2], 2 do
  local r = unpack_one(page[2][i + 1])
  rows[#rows + 1] = { page[2][i], r[TUPLE], r[SINCE], r[UNTIL], r[LAST], r[CLICKED], r[CALLED],
    r[LEAVING], r[LENT_BY] }
end
return pack({ page[1], rows })
