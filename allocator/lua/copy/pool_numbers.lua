#!lua
-- Writes numbers into a pool with all that belongs to each, and finds every order anew. Repeatable.
--
-- Who has a number whose guarantee was over isn't known, if it was given on since: its assignment is
-- ended here, and it is given to nobody while its pool rests.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 packed     its rules
--        2 int        guarantees that ended by then (ms) are over; 0: all assignments stand
--        3 int        when the numbers were read (ms), an assignment that is ended here ends then
--        4… six for each number:
--          string     the number
--          packed     its record
--          string     attributes of the first click and
--          string     of the last, "" for none
--          string     packed former holders, "" for none
--          string     when it came free (ms), "" while it is assigned
-- Reply  packed: 1
--@include pool_keys
--@include pool_state
--@include pool_record
--@include pool_end_assignment
local rules, over, read = unpack_one(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

local function put(key, field, value)
  if value ~= '' then call('HSET', key, field, value) end
end

for i = 4, #ARGV, 6 do
  local number, record, free = ARGV[i], unpack_one(ARGV[i + 1]), ARGV[i + 5]
  put(CLICKS, number .. ':f', ARGV[i + 2])
  put(CLICKS, number .. ':l', ARGV[i + 3])
  put(HISTORY, number, ARGV[i + 4])
  if record[SINCE] > 0 and record[LEAVING] == 0 and record[UNTIL] <= over then
    -- Its tuple may have got another number since, which was read later.
    local present = call('HGET', TUPLES, record[TUPLE])
    end_assignment(number, record, rules, math.max(record[UNTIL], read), false)
    if present and present ~= number then call('HSET', TUPLES, record[TUPLE], present) end
    free = record[UNTIL]
    record = unassigned_record(record[LENT_BY], record[AREA])
  end
  write_record(number, record)
  if record[SINCE] == 0 then
    call('ZADD', FREE, free == '' and read or free, number)
  else
    call('HSET', TUPLES, record[TUPLE], number)
    call('ZADD', record[LEAVING] == 1 and DRAIN or GUARD, record[UNTIL], number)
  end
  if record[LEAVING] == 0 then shelve(number, record) end
end
return pack(1)
