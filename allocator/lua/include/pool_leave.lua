-- Takes a number that nobody is guaranteed out of the pool: its history and the stock that lent it
-- go to OUTBOX, from where the sweeper hands them on. The number must be in no order any more.
local function leave_pool(number, record, rules, state)
  unshelve(number, record)
  if record[SINCE] > 0 then end_assignment(number, record, rules, state[CLOCK]) end
  call('HSET', OUTBOX, number,
    pack({ record[LENT_BY], state[CLOCK], call('HGET', HISTORY, number) or '', 0 }))
  call('HDEL', HISTORY, number)
  record_cache[number] = nil
  call('HDEL', NUMBERS, number)
  state[SIZE] = state[SIZE] - 1
end

-- An assigned number is to leave when its guarantee is over.
local function start_draining(number, record)
  record[LEAVING] = 1
  write_record(number, record)
  call('ZREM', GUARD, number)
  unshelve(number, record)
  call('ZADD', DRAIN, record[UNTIL], number)
end
