#!lua flags=no-writes
-- Where calls to numbers come from: who holds each number, or held it last.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2… string    the numbers
-- Reply  packed: false when there is no such pool, else for each number 0 when it isn't in the pool,
--        or { leaving (1 or 0), holder }: holder an entry of include/history.lua, with until 0 while
--        it holds; {} when nobody ever did, as far as is known
--@include pool_keys
--@include pool_state
--@include pool_record
--@include pool_holder
--@include history
local NOT_HERE, HANDED_ON = 0, 4

local rules = open_pool(ARGV[1])
if not rules then return pack(false) end
local routes = {}
for i = 2, #ARGV do
  local number = ARGV[i]
  local record = read_record(number)
  if record and record[SINCE] > 0 then
    routes[i - 1] = { record[LEAVING], present_holder(number, record, rules) }
  elseif record then
    routes[i - 1] = { record[LEAVING], last_holder(call('HGET', HISTORY, number)) or {} }
  else
    -- Between leaving the pool and being handed on, it is in the outbox.
    local packed = call('HGET', OUTBOX, number)
    local entry = packed and unpack_one(packed)
    if entry and entry[HANDED_ON] ~= 1 then
      routes[i - 1] = { 1, last_holder(entry[3]) or {} }
    else
      routes[i - 1] = NOT_HERE
    end
  end
end
return pack(routes)
