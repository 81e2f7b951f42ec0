#!lua flags=no-writes
-- Who holds a number, or held it at a time.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 string     number
--        3 int        at, ms (0: now)
-- Reply  packed: false when there is no such pool, else an entry of include/history.lua, with until
--        0 while it holds; {} when nobody held it
--@include pool_keys
--@include pool_state
--@include pool_record
--@include pool_holder
--@include history
local rules, state = open_pool(ARGV[1])
if not rules then return pack(false) end
local number, at = ARGV[2], tonumber(ARGV[3])
if at == 0 then at = state[CLOCK] end
local record = read_record(number)
if record and record[SINCE] > 0 and at >= record[SINCE] then
  return pack(present_holder(number, record, rules))
end
-- Between leaving the pool and being handed on, the history is in the outbox.
local entry = not record and call('HGET', OUTBOX, number)
local history = call('HGET', HISTORY, number) or (entry and unpack_one(entry)[3])
return pack(find_holder(history, at) or {})
