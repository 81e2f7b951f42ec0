#!lua
-- Gives tuples of one pool their numbers, in the order asked: the one atomic allocation.
--
-- Takes O(log n) an ask. Where numbers whose guarantee is over wait to be promoted, a call promotes
-- at most 4 + one an ask, those longest due first; the recycled number is the best of the promoted.
-- So with a backlog the choice is exact among those, and never is a number that is due passed over
-- for overflow. The sweeper keeps the backlog at zero.
--
-- Where the pool goes by areas, an ask gets an unassigned number of an area that it names, else one
-- of the stock's, else one that is due; else, and when it names none, what any ask would get, with
-- general numbers before those of areas.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 string     growth: "ask" when the caller can bring numbers from the stock, "no" when not
--                     now, "dry" when the stock had too few: it isn't asked again for a second;
--                     "elsewhere" when it had too few of the areas wanted: it isn't asked for those
--                     again for a second. "told": these clicks were answered from a worker's memory;
--                     they count once however often they come, and for the pool where the tuple has no
--                     number any more
--        3 packed     arrivals (include/pool_arrivals.lua), "" for none; added first. With "told" the
--                     write (include/pool_writes.lua)
--        4… five for each ask:
--          string     the tuple
--          int        clicks; negative n counts -n - 1 clicks for the tuple when it holds a number,
--                     and allocates nothing
--          string     attributes ("": keep what is there)
--          string     areas that the number should be of (include/pool_shelves.lua), "" for none
--          string     the client's network (include/pool_budget.lua), "" for none
-- Reply  packed: false when there is no such pool, else { clock ms, stock id, how many numbers the
--        pool may take from it, answers, numbers of the arrivals that are in the pool now, for how long
--        activity holds a number, ms }.
--        answers: array of { code, number, guaranteed_until ms } with code 1 new, 2 held, 3
--        recycled, 4 overflow, 5 none, 6 none because the network is over its budget, 0 nothing yet:
--        the pool could grow, ask again with arrivals, or with growth "no"; in place of the number is
--        what stock/take should be asked for
--
-- A function is made anew at every call, so what few calls need is included where they need it.
--@include pool_keys
--@include pool_state
--@include pool_record
--@include pool_renewal
--@include pool_activity
--@include pool_end_assignment
--@include pool_promote
--@include pool_growth
--@include pool_budget
--@include pool_budget_count
--@include pool_series
local COULD_GROW, NEW, HELD, RECYCLED, OVERFLOW_GIVEN, NONE, OVER_BUDGET = 0, 1, 2, 3, 4, 5, 6
local PROMOTED_A_CALL = 4

local networks = {}
for i = 8, #ARGV, 5 do
  local network = ARGV[i]
  if network ~= '' and network ~= UNKNOWN and not budgets[network] then
    networks[#networks + 1], budgets[network] = network, true
  end
end
local rules, state, documents = open_pool(ARGV[1], networks)
if not rules then return pack(false) end
local now = state[CLOCK]
for i, network in ipairs(networks) do read_budget(network, documents[i + 2], now) end
if now >= state[MINUTE_ENDS] then series_tools().begin_minute(state) end
local asks = (#ARGV - 3) / 5
local present = {}
local told = ARGV[2] == 'told' and unpack_one(ARGV[3])
local counted, note_told = false, nil
if told then
--@include pool_writes
  counted, note_told = was_done(told), note_done
elseif ARGV[3] ~= '' then
--@include areas
--@include pool_arrivals
  present = add_arrivals(unpack_one(ARGV[3]), rules, state)
  state[DRY_UNTIL] = 0
end
if ARGV[2] == 'dry' then state[DRY_UNTIL] = now + 1000 end
local room = room_to_grow(rules, state)
local may_ask = ARGV[2] == 'ask' or ARGV[2] == 'elsewhere'
local could_grow = may_ask and room > 0 and now >= state[DRY_UNTIL]
local by_area = (rules[AREAS] or '') ~= ''
local unpromoted, none_free, more_held = true, false, false
-- Tuples that wait for a number of the stock's, and how many a network: as if they had theirs.
local awaiting, awaited = {}, {}

-- Counts a click or a ping for the tuple that holds the number. Activity that comes when the
-- guarantee is over begins another: it is the network's that was active, if that may have one.
local function record_click(number, record, clicks, attributes, network)
  local recyclable = record[UNTIL] <= now
  local was_queued = recyclable and leave_order(number, record, state)
  add_activity(record, clicks * rules[CLICK_WEIGHT], now, rules)
  record[CLICKED], record[RELEASED] = record[CLICKED] + clicks, 0
  if clicks > 0 then record[LAST_CLICK] = now end
  local extended = now + rules[HOLD]
  local extends = is_to_renew(record, clicks, rules, now)
  if extends and recyclable and is_over_budget(network, awaited[network] or 0, rules, state) then
    extends = false
  end
  if extends then
    unshelve(number, record)
    if recyclable and network ~= '' then
      record[NETWORK] = begin_guarantee(network, extended, rules, state) and network or false
    elseif record[NETWORK] then
      move_end(record[NETWORK], record[UNTIL], extended, now)
    end
    if recyclable then more_held = true end
    record[UNTIL] = extended
    call('ZADD', GUARD, extended, number)
    shelve(number, record)
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

local choose_by_area, recycle_of, any_of_stock
if by_area then
--@include pool_shelves

  -- The recyclable number of one of these areas that goes next, as `recycle` gives it.
  function recycle_of(areas, attributes)
    local number, record = best_due_on(areas, rules, state)
    if not number then return nil end
    leave_order(number, record, state) -- where it is in GUARD alone, `assign` moves it
    end_assignment(number, record, rules, now, attributes ~= '')
    return number, record
  end

  -- An unassigned number of one of these areas; nil when there is none.
  local function unassigned_of(areas)
    local number = not none_free and unassigned_on(areas)
    if not number then return nil end
    call('ZREM', FREE, number)
    return number, read_record(number)
  end

  -- Those of these areas of which the caller should bring a number from the stock; nil: none.
  local function wants_of_stock(areas)
    areas = could_grow and of_stock(areas, rules) or ''
    if areas == '' then return nil end
    if ARGV[2] == 'ask' then return stock_may_have(areas, state) and areas or nil end
    for area in string.gmatch(areas, '%S+') do
      call('HSET', META, 'dry:' .. area, string.format('%d', now + 1000))
    end
    return nil
  end

  -- What the stock should be asked for, when a number of these areas is best and any other will do.
  function any_of_stock(areas)
    local kind = rules[OF_STOCK] or ''
    return of_stock(areas, rules) .. (kind == '' and ' *' or kind)
  end

  -- A number of the ask's areas, else an unassigned general one; as `choose`, nil when there is none.
  function choose_by_area(areas, attributes)
    local number, record
    if areas ~= '' then
      number, record = unassigned_of(areas)
      if number then return NEW, number, record end
      local wanted = wants_of_stock(areas)
      if wanted then return COULD_GROW, wanted end
      number, record = recycle_of(areas, attributes)
      if number then return RECYCLED, number, record end
    end
    number, record = unassigned_of('')
    if number then return NEW, number, record end
    return nil
  end
end

-- The number that a tuple gets: code, number, record. Without number: 0 and what the stock should
-- be asked for, or nil when all are inside their guarantee.
local function choose(areas, attributes)
  if by_area then
    local code, found, record = choose_by_area(areas, attributes)
    if code then return code, found, record end
  end
  local number = not none_free and call('ZPOPMIN', FREE)[1]
  if number then return NEW, number, read_record(number) end
  if could_grow then return COULD_GROW, by_area and any_of_stock(areas) or rules[OF_STOCK] or '' end
  none_free = true
  local record
  if by_area then number, record = recycle_of('', attributes) end
  if not number then number, record = recycle(attributes) end
  if number then return RECYCLED, number, record end
  return nil
end

local function assign(number, record, tuple, clicks, attributes, network)
  unshelve(number, record)
  state[ASSIGNED], more_held = state[ASSIGNED] + 1, true
  local extended = math.max(rules[MIN_DURATION], rules[HOLD])
  record = { tuple, now, now + extended, now, clicks, 0, state[ASSIGNED], 0, 0, record[LENT_BY],
    record[AREA] or false, begin_guarantee(network, now + extended, rules, state) and network or false,
    clicks > 0 and now or 0, clicks * rules[CLICK_WEIGHT] }
  write_record(number, record)
  shelve(number, record)
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

local function refuse(over_budget, tuple, network)
--@include pool_refusals
  note_refusal(over_budget and BUDGET_USED or ALL_HELD, tuple, network, rules, state)
end

-- Returns code, number, guaranteed_until.
local function answer(tuple, clicks, attributes, areas, network)
  local touch = clicks < 0
  if touch then clicks = counted and 0 or -clicks - 1 end
  local number = call('HGET', TUPLES, tuple)
  if number then
    local record = read_record(number)
    if record[LEAVING] == 0 or record[UNTIL] > now then
      record_click(number, record, clicks, attributes, network)
      state[HELD_TOTAL] = state[HELD_TOTAL] + clicks
      return HELD, number, record[UNTIL]
    end
    call('ZREM', DRAIN, number)
--@include pool_leave
    leave_pool(number, record, rules, state)
  end
  if touch then
    if told then state[HELD_TOTAL] = state[HELD_TOTAL] + clicks end
    return NONE, '', 0
  end
  local waits = network ~= '' and (awaited[network] or 0)
  if waits and not awaiting[tuple] and is_over_budget(network, waits, rules, state) then
    state[REFUSED_TOTAL] = state[REFUSED_TOTAL] + 1
    refuse(true, tuple, network)
    return OVER_BUDGET, '', 0
  end
  local code, record
  code, number, record = choose(areas, attributes)
  if code == COULD_GROW then
    if waits and not awaiting[tuple] then awaiting[tuple], awaited[network] = true, waits + 1 end
    return code, number, 0
  end
  if not code then
    state[OVERFLOW_TOTAL] = state[OVERFLOW_TOTAL] + 1
    if math.floor(now / 1000) ~= math.floor(state[LAST_OVERFLOW] / 1000) then
      refuse(false, tuple, network)
    end
    count_overflow()
    -- Overflow answers have half of the ledger at most: who floods a pool pushes no assignment out of it. Nor
    -- may he fill the store while nobody reads: from 1,000 messages on, ten a call are noted.
    local waiting = tonumber(redis.pcall('XLEN', LEDGER)) or 0
    if waiting < 1000 or waiting < 10000 and #(ledger or '') < 10 then
      local shown = rules[ALLOW_OVERFLOW] == 1 and rules[OVERFLOW_NUMBER] or ''
      ledger = ledger or {}
      ledger[#ledger + 1] = pack({ 2, now, tuple, attributes, shown, rules[OWNER] or '' })
    else
      state[LEDGER_ENTRIES] = state[LEDGER_ENTRIES] + 1
    end
    if rules[ALLOW_OVERFLOW] == 1 then return OVERFLOW_GIVEN, rules[OVERFLOW_NUMBER], 0 end
    return NONE, '', 0
  end
  if code == NEW then
    state[NEW_TOTAL] = state[NEW_TOTAL] + 1
  else -- the record is still that of the tuple before
    state[RECYCLED_TOTAL] = state[RECYCLED_TOTAL] + 1
    state[AGE_TOTAL] = state[AGE_TOTAL] + now - record[SINCE]
    if record[CALLED] == 0 and now - record[LAST] < 2 * rules[MIN_DURATION] then
      state[EARLY_TOTAL] = state[EARLY_TOTAL] + 1
    end
  end
  return code, number, assign(number, record, tuple, clicks, attributes, network)[UNTIL]
end

local answers = {}
for i = 4, #ARGV, 5 do
  answers[#answers + 1] = { answer(ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]) }
end
-- More numbers are held: once a second they are counted (include/pool_series.lua).
local seconds_left = more_held and math.floor((state[MINUTE_ENDS] - now) / 1000)
if more_held and seconds_left ~= state[LOOKED] then
  local held = call('ZCOUNT', GUARD, '(' .. string.format('%d', now), '+inf')
  state[PEAK], state[LOOKED] = math.max(state[PEAK], held), seconds_left
end
save_with_budgets(state)
if told and not counted then note_told(told, now) end
return pack({ now, rules[STOCK], room, answers, present, rules[HOLD] })
