#!lua
-- Has the number of a tuple be another tuple's, with all but the attributes of its clicks: what is left of a
-- visitor who is forgotten. The guarantee stands, and nobody gets the number before: no visit may have the
-- other tuple.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 string  the tuple
--        2 string  the other one
-- Reply  packed: 1, or 0: the tuple has no number (any more), or the other one has one
--@include pool_keys
--@include pool_state
--@include pool_record
local before, after = ARGV[1], ARGV[2]
local number = call('HGET', TUPLES, before)
local record = number and read_record(number)
if not record or record[TUPLE] ~= before or call('HEXISTS', TUPLES, after) == 1 then return pack(0) end
record[TUPLE] = after
write_record(number, record)
call('HDEL', TUPLES, before)
call('HSET', TUPLES, after, number)
for _, place in ipairs({ ':f', ':l' }) do
  if call('HEXISTS', CLICKS, number .. place) == 1 then call('HSET', CLICKS, number .. place, '{}') end
end
return pack(1)
