-- Puts a number into the pool as if it had just been given, so that nobody else gets it before all that
-- may have been promised is over: what an audit mends (pool/audit, pool/mend).

-- The tuple of who is promised a number when nobody knows who: no visit has a tuple without "=".
local function nobody(number)
  return '?' .. number
end

-- `loan`: by which it is here, "" for the pool's own. A record that is there is replaced.
local function promise(number, tuple, ends, loan, rules, state)
  local since = math.max(1, math.min(state[CLOCK], ends - math.max(rules[MIN_DURATION], rules[HOLD])))
  if call('HEXISTS', NUMBERS, number) == 0 then state[SIZE] = state[SIZE] + 1 end
  local record = { tuple, since, ends, state[CLOCK], 0, 0, state[ASSIGNED], 0, 0, loan,
    area_of(number, rules[AREAS]) }
  write_record(number, record)
  call('HSET', TUPLES, tuple, number)
  call('ZREM', FREE, number)
  call('ZADD', GUARD, ends, number)
  state[MOST_HELD] = state[MOST_HELD] + 1
  shelve(number, record)
end
