-- Adds numbers that come from a stock or from the configuration as unassigned ones.
-- arrivals: array of { number, loan ("": the pool's own), moved at ms, packed history }.
-- A lent number is taken only within 5 s of its move, and not when it has left this pool since:
-- a message that was held up can't bring back a number that is elsewhere by now (the stock hands a
-- move to another sender after 10 s at the earliest). One that finds the pool full, because others
-- made it grow at the same time, goes to OUTBOX and from there back.
-- Returns the arrivals' numbers that are in the pool now.
local MOVE_VALID_MS = 5000

-- Whether a loan was made no later than the one of an OUTBOX entry. Loans of one stock count
-- upwards.
local function is_over(loan, moved, entry)
  local stock, at = string.match(loan, '^(.*)@(%d+)$')
  local last_stock, last = string.match(entry[1], '^(.*)@(%d+)$')
  if stock == last_stock then return tonumber(at) <= tonumber(last) end
  return moved <= entry[2]
end

local function add_arrivals(arrivals, rules, state)
  local present = {}
  for _, arrival in ipairs(arrivals) do
    local number, loan, moved, history = arrival[1], arrival[2], arrival[3], arrival[4]
    local record = read_record(number)
    if record then
      if record[LEAVING] == 1 and loan == '' and record[LENT_BY] == '' then
        -- Named again before it had drained: it stays.
        record[LEAVING] = 0
        write_record(number, record)
        call('ZREM', DRAIN, number)
        call('ZADD', GUARD, record[UNTIL], number)
        state[MOST_HELD] = state[MOST_HELD] + 1
        shelve(number, record)
      end
      present[#present + 1] = number
    else
      local left = call('HGET', OUTBOX, number)
      left = left and unpack_one(left)
      local refused
      if loan == '' then
        -- Its own number, named again before its leaving was handed on, comes back as it went; a
        -- lent one is on its way to the stock it belongs to.
        refused = left and left[4] == 0 and left[1] ~= ''
        if left and left[4] == 0 and left[1] == '' then
          history = left[3]
          call('HDEL', OUTBOX, number)
        end
      else
        refused = moved + MOVE_VALID_MS < state[CLOCK] or (left and is_over(loan, moved, left))
        if not refused and rules[MAX_SIZE] > 0 and state[SIZE] >= rules[MAX_SIZE] then
          call('HSET', OUTBOX, number, pack({ loan, state[CLOCK], '', 0 }))
          refused = true
        end
      end
      if not refused then
        record = unassigned_record(loan, area_of(number, rules[AREAS]))
        write_record(number, record)
        call('ZADD', FREE, state[CLOCK], number)
        shelve(number, record)
        if history ~= '' then call('HSET', HISTORY, number, history) end
        state[SIZE] = state[SIZE] + 1
        present[#present + 1] = number
      end
    end
  end
  return present
end
