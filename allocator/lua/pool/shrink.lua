#!lua
-- Has lent numbers leave that nobody used for a while: unassigned ones, then recyclable ones as they
-- would be recycled. A run begins with each such while; it has so many leave at most, and looks at
-- a bounded share of the numbers in one call. None is inside a guarantee: those are in other orders.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 int        most that leave in one run
--        3 int        the while, ms
--        4 int        how many numbers the pool keeps at least
--        5 int        how many unassigned ones it keeps at least; with fewer, recyclable ones stay too:
--                     others would be brought in their place
-- Reply  packed: false when there is no such pool, else { how many left now, ms until there may be more
--        to do here (0: at once) }
--@include pool_keys
--@include pool_state
--@include pool_record
--@include pool_end_assignment
--@include pool_leave
local BEGUN, GONE, LOOKED_AT_FREE, LOOKED_AT_IDLE = 1, 2, 3, 4
local LOOKED_AT, AT_ONCE = 200, 100

local rules, state = open_pool(ARGV[1])
if not rules then return pack(false) end
local now, most, span = state[CLOCK], tonumber(ARGV[2]), tonumber(ARGV[3])
local fewest, spare = tonumber(ARGV[4]), tonumber(ARGV[5])
local run = call('HGET', META, 'shrunk')
run = run and unpack_one(run)
if not run or now >= run[BEGUN] + span then run = { now, 0, 0, 0 } end
local surplus = math.min(most - run[GONE], state[SIZE] - call('ZCARD', DRAIN) - fewest)
local here, left = math.min(surplus, AT_ONCE), 0

-- Returns whether there is more of the order to look at.
local function give_back(order, place, may)
  if may <= 0 then return false end
  local members = call('ZRANGE', order, run[place], run[place] + LOOKED_AT - 1, 'WITHSCORES')
  local kept = 0
  for i = 1, #members, 2 do
    if left >= here or may <= 0 then return true end
    local number = order == IDLE and number_of(members[i]) or members[i]
    local record = read_record(number)
    local used = order == FREE and tonumber(members[i + 1]) or record[LAST]
    if record[LENT_BY] ~= '' and used + span <= now and record[UNTIL] <= now then
      call('ZREM', order, members[i])
      leave_pool(number, record, rules, state)
      left, may = left + 1, may - 1
    else
      kept = kept + 1
    end
  end
  run[place] = run[place] + kept
  return #members == 2 * LOOKED_AT
end

local unassigned = call('ZCARD', FREE)
local more = give_back(FREE, LOOKED_AT_FREE, math.min(here, unassigned - spare))
if not more and unassigned >= spare then more = give_back(IDLE, LOOKED_AT_IDLE, here - left) end
run[GONE] = run[GONE] + left
call('HSET', META, 'shrunk', pack(run))
save_state(state)
local due_in = more and surplus > left and 0 or math.max(0, run[BEGUN] + span - now)
return pack({ left, due_in })
