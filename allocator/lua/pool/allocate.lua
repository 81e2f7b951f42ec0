#!lua
-- Gives tuples of one pool their numbers, in the order asked: the one atomic allocation.
--
-- Takes O(log n) an ask. Where numbers whose guarantee is over wait to be promoted, a call promotes
-- at most 4 + one an ask, those longest due first; the recycled number is the best of the promoted.
-- So with a backlog the choice is exact among those, and never is a number that is due passed over
-- for overflow. The sweeper keeps the backlog at zero.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 string     growth: "ask" when the caller can bring numbers from the stock, "no" when not
--                     now, "dry" when the stock had too few: it isn't asked again for a second
--        3 packed     arrivals (include/pool_arrivals.lua), "" for none; added first
--        4… three for each ask:
--          string     the tuple
--          int        clicks; negative n counts -n - 1 clicks for the tuple when it holds a number,
--                     and allocates nothing
--          string     attributes ("": keep what is there)
-- Reply  packed: false when there is no such pool, else { clock ms, stock id, how many numbers the
--        pool may take from it, answers, numbers of the arrivals that are in the pool now }.
--        answers: array of { code, number, guaranteed_until ms } with code 1 new, 2 held, 3
--        recycled, 4 overflow, 5 none, 0 nothing yet: the pool could grow, ask again with arrivals,
--        or with growth "no"
--@include pool_keys
--@include pool_state
--@include pool_record
--@include pool_end_assignment
--@include pool_leave
--@include pool_promote
--@include pool_arrivals
--@include pool_growth
local COULD_GROW, NEW, HELD, RECYCLED, OVERFLOW_GIVEN, NONE = 0, 1, 2, 3, 4, 5
local PROMOTED_A_CALL = 4

local rules, state = open_pool(ARGV[1])
if not rules then return pack(false) end
local now = state[CLOCK]
local asks = (#ARGV - 3) / 3
local present = {}
if ARGV[3] ~= '' then
  present = add_arrivals(unpack_one(ARGV[3]), rules, state)
  state[DRY_UNTIL] = 0
end
if ARGV[2] == 'dry' then state[DRY_UNTIL] = now + 1000 end
local room = room_to_grow(rules, state)
local could_grow = ARGV[2] == 'ask' and room > 0 and now >= state[DRY_UNTIL]
local unpromoted, none_free = true, false

-- Counts a click or a ping for the tuple that holds the number.
local function record_click(number, record, clicks, attributes)
  local recyclable = record[UNTIL] <= now
  local was_queued = recyclable and leave_order(number, record, state)
  record[CLICKED], record[LAST], record[RELEASED] = record[CLICKED] + clicks, now, 0
  local extended = now + rules[HOLD]
  if rules[HOLD] > 0 and record[LEAVING] == 0 and extended > record[UNTIL] then
    record[UNTIL] = extended
    call('ZADD', GUARD, extended, number)
  elseif was_queued == 1 then
    make_recyclable(number, record, rules, state)
  end
  write_record(number, record)
  if attributes ~= '' then call('HSET', CLICKS, number .. ':l', attributes) end
end

-- The next recyclable number, out of the order and free of its former tuple; nil when all are
-- inside their guarantee.
local function recycle(attributes)
  if unpromoted then
    promote(rules, state, PROMOTED_A_CALL + asks)
    unpromoted = false
  end
  local best = call('ZPOPMIN', IDLE)
  if not best[1] then return nil end
  if rules[RULE] == 'weighted_random' then state[VIRTUAL] = tonumber(best[2]) end
  local number = number_of(best[1])
  local record = read_record(number)
  end_assignment(number, record, rules, now, attributes ~= '')
  return number, record
end

local function assign(number, record, tuple, clicks, attributes)
  state[ASSIGNED] = state[ASSIGNED] + 1
  local extended = math.max(rules[MIN_DURATION], rules[HOLD])
  record = { tuple, now, now + extended, now, clicks, 0, state[ASSIGNED], 0, 0, record[LENT_BY] }
  write_record(number, record)
  call('HSET', TUPLES, tuple, number)
  call('ZADD', GUARD, record[UNTIL], number)
  if attributes ~= '' then call('HSET', CLICKS, number .. ':f', attributes) end
  return record
end

local function count_overflow()
  state[LAST_OVERFLOW] = now
  local hour = string.format('%d', math.floor(now / 3600000))
  if call('HINCRBY', OVERFLOW, hour, 1) == 1 and call('HLEN', OVERFLOW) > 744 then
    for _, old in ipairs(call('HKEYS', OVERFLOW)) do
      if tonumber(old) < hour - 720 then call('HDEL', OVERFLOW, old) end
    end
  end
end

-- Returns code, number, guaranteed_until.
local function answer(tuple, clicks, attributes)
  local touch = clicks < 0
  if touch then clicks = -clicks - 1 end
  local number = call('HGET', TUPLES, tuple)
  if number then
    local record = read_record(number)
    if record[LEAVING] == 0 or record[UNTIL] > now then
      record_click(number, record, clicks, attributes)
      state[HELD_TOTAL] = state[HELD_TOTAL] + clicks
      return HELD, number, record[UNTIL]
    end
    call('ZREM', DRAIN, number)
    leave_pool(number, record, rules, state)
  end
  if touch then return NONE, '', 0 end
  local code = NEW
  local record
  number = not none_free and call('ZPOPMIN', FREE)[1]
  if number then
    record = read_record(number)
    state[NEW_TOTAL] = state[NEW_TOTAL] + 1
  elseif could_grow then
    return COULD_GROW, '', 0
  else
    none_free = true
    number, record = recycle(attributes)
    if not number then
      state[OVERFLOW_TOTAL] = state[OVERFLOW_TOTAL] + 1
      count_overflow()
      if rules[ALLOW_OVERFLOW] == 1 then return OVERFLOW_GIVEN, rules[OVERFLOW_NUMBER], 0 end
      return NONE, '', 0
    end
    code = RECYCLED
    state[RECYCLED_TOTAL] = state[RECYCLED_TOTAL] + 1
  end
  return code, number, assign(number, record, tuple, clicks, attributes)[UNTIL]
end

local answers = {}
for i = 4, #ARGV, 3 do
  answers[#answers + 1] = { answer(ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2]) }
end
save_state(state)
return pack({ now, rules[STOCK], room, answers, present })
