#!lua
-- Notes that the visitors of tuples have left. A number whose guarantee is over counts for less, and goes
-- first among equals (include/pool_record.lua); inside the guarantee nothing changes until that is over.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2… string    tuples
-- Reply  packed: false when there is no such pool, else array with, for each tuple, -1 when it
--        holds no number, else how many ms are left of its guarantee (0: recyclable now)
--@include pool_keys
--@include pool_state
--@include pool_record
local rules, state = open_pool(ARGV[1])
if not rules then return pack(false) end
local NO_NUMBER = -1
local reply = {}
for i = 2, #ARGV do
  local left = NO_NUMBER
  local number = call('HGET', TUPLES, ARGV[i])
  if number then
    local record = read_record(number)
    left = math.max(0, record[UNTIL] - state[CLOCK])
    if record[RELEASED] == 0 then
      if left == 0 and record[LEAVING] == 0 then
        if leave_order(number, record, state) == 0 then call('ZREM', GUARD, number) end
        record[RELEASED] = 1
        make_recyclable(number, record, rules, state)
      end
      record[RELEASED] = 1
      write_record(number, record)
    end
  end
  reply[#reply + 1] = left
end
save_state(state)
return pack(reply)
