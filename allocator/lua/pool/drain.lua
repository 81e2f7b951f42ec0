#!lua
-- Takes numbers out of a pool: at once where nobody is guaranteed one, else when the guarantee is
-- over; until then its tuple keeps it and no other gets it. Repeatable.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2… string    numbers
-- Reply  packed: false when there is no such pool, else array with, for each number, 0 when it is
--        not in the pool (any more), or guaranteed_until ms while it drains
--@include pool_keys
--@include pool_state
--@include pool_record
--@include pool_end_assignment
--@include pool_leave
local rules, state = open_pool(ARGV[1])
if not rules then return pack(false) end
local reply = {}
for i = 2, #ARGV do
  local number = ARGV[i]
  local record = read_record(number)
  local stays = 0
  if record then
    if record[SINCE] > 0 and record[UNTIL] > state[CLOCK] then
      stays = record[UNTIL]
      if record[LEAVING] == 0 then start_draining(number, record) end
    else
      if record[SINCE] == 0 then
        call('ZREM', FREE, number)
      elseif record[LEAVING] == 1 then
        call('ZREM', DRAIN, number)
      elseif leave_order(number, record, state) == 0 then
        call('ZREM', GUARD, number)
      end
      leave_pool(number, record, rules, state)
    end
  end
  reply[#reply + 1] = stays
end
save_state(state)
return pack(reply)
