-- The pool's two documents. Positions, not names: they are read and written at every click.
-- rules: 1 revision, 2 pool id, 3 min_duration ms, 4 hold_on_activity ms, 5 recycle, 6 weight of a
--   call, 7 of a click, 8 max_size (0: none), 9 stock id ("": none), 10 overflow number ("": none),
--   11 allow_overflow (1 or 0), 12 history bytes a number, 13 areas (include/areas.lua; "": numbers
--   are given wherever the visitor is), then what a client network may have
--   (include/pool_budget.lua): 14 share of the numbers, % (0: no limit), 15 so many at least, 16 new
--   ones a minute (0: no limit), 17 new ones a minute for who has the pool's key (0: no limit). A
--   pool made before there were budgets has none of them: it has the default ones, and no rate of
--   its key. 18 owner (goes into the history; nil or "": unknown), 19 most bytes of a number's
--   history, whatever else it should keep (nil: no limit), 20 starts of the numbers that the stock may
--   be asked for (include/areas.lua; nil or "": any), 21 half-life of activity ms
--   (include/pool_activity.lua; nil: of before it faded)
local REVISION, POOL_ID, MIN_DURATION, HOLD, RULE, CALL_WEIGHT, CLICK_WEIGHT, MAX_SIZE, STOCK, OVERFLOW_NUMBER, ALLOW_OVERFLOW, HISTORY_BYTES, AREAS, SHARE, LEAST, RATE, KEY_RATE, OWNER, HISTORY_MOST, OF_STOCK, HALF_LIFE =
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21
-- state: 1 highest clock reading ms, 2 size, 3 assignments made, then totals: 4 new, 5 held,
--   6 recycled, 7 overflow; 8 no use asking the stock before (ms), 9 virtual time and 10 draws of
--   weighted_random, 11 last overflow (ms), 12 calls, 13 calls to the overflow number, 14 entries
--   may be left in STALE (1 or 0), 15 every number is on the shelf of its area (1 or 0); absent in a
--   pool made before there were budgets: 16 answers that a budget refused, 17 guarantees begun for
--   visitors of an unknown network, 18 when the last of these was (ms); absent in one made before
--   there were series (include/pool_series.lua): 19 most numbers held in this minute, 20 how many
--   seconds of it were left when somebody looked, 21 how long the former assignments of recycled numbers stood together (ms), 22
--   how many of those numbers were recycled early, 23 when this minute is over (ms; 0: nobody has
--   asked yet), 24 how many entries the ledger ever had (include/pool_ledger.lua; absent in one made
--   before there were ledgers)
local CLOCK, SIZE, ASSIGNED, NEW_TOTAL, HELD_TOTAL, RECYCLED_TOTAL, OVERFLOW_TOTAL, DRY_UNTIL, VIRTUAL, DRAWS, LAST_OVERFLOW, CALLS_TOTAL, OVERFLOW_CALLS, HAS_STALE, SHELVED, REFUSED_TOTAL, UNKNOWN_TOTAL, LAST_UNKNOWN, PEAK, LOOKED, AGE_TOTAL, EARLY_TOTAL, MINUTE_ENDS, LEDGER_ENTRIES =
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24

-- Returns rules, state (nil, nil when there is no such pool). `given`: "" for the server's clock,
-- else the time in ms (tests and simulations). The clock never goes back: a step back, here or by
-- a failover to a server that is behind, would end a guarantee's count early later on.
-- `networks`: array of client networks; then there is a third result, an array with what each has
-- (include/pool_budget.lua; false: nothing) from its third place on. Ends the script with an error
-- where the pool was closed (copy/close.lua).
local function open_pool(given, networks)
  local documents = call('HMGET', META, 'rules', 'state', unpack(networks or {}))
  if not documents[1] then
    if call('HEXISTS', META, 'closed_rules') == 1 then error({ err = 'CLOSED the pool was closed' }) end
    return nil, nil
  end
  local now
  if given == '' then
    local time = call('TIME')
    now = time[1] * 1000 + math.floor(time[2] / 1000)
  else
    now = tonumber(given)
  end
  local state = unpack_one(documents[2])
  if not state[24] then
    for place = #state + 1, 24 do state[place] = 0 end
  end
  if now > state[CLOCK] then state[CLOCK] = now end
  return unpack_one(documents[1]), state, documents
end

-- What this call tells the archive: packed entries of include/pool_ledger.lua; nil: nothing.
local ledger

local function save_state(state)
  if ledger then
--@include pool_ledger
  end
  call('HSET', META, 'state', pack(state))
end
