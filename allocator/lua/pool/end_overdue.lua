#!lua
-- Ends assignments whose guarantee is over, for a store that forgot what it answered last: nobody
-- knows whether their numbers were given on since.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 int        most numbers (1000 at most, see include/pool_promote.lua)
-- Reply  packed: false when there is no such pool, else how many it ended
--@include pool_keys
--@include pool_state
--@include pool_record
--@include pool_end_assignment
--@include pool_promote
local rules, state = open_pool(ARGV[1])
if not rules then return pack(false) end
local now, most = state[CLOCK], tonumber(ARGV[2])
promote(rules, state, most)
local due = call('ZPOPMIN', IDLE, most)
for i = 1, #due, 2 do
  local number = number_of(due[i])
  local record = read_record(number)
  unshelve(number, record)
  end_assignment(number, record, rules, now, false)
  record = unassigned_record(record[LENT_BY], record[AREA])
  write_record(number, record)
  call('ZADD', FREE, now, number)
  shelve(number, record)
end
save_state(state)
return pack(#due / 2)
