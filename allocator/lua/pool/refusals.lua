#!lua flags=no-writes
-- What the pool refused lately.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
-- Reply  packed: false when there is no such pool, else { clock ms, stock id, max_size, how long a
--        guarantee lasts ms, totals: overflow, refused by a budget, entries: those of
--        include/pool_refusals.lua, newest first, each with 10: since when its tuple has a number ms (0:
--        it has none) }
--@include pool_keys
--@include pool_state
--@include pool_record
--@include pool_growth
--@include pool_budget
--@include pool_refusals
local rules, state = open_pool(ARGV[1])
if not rules then return pack(false) end
local entries = {}
for place = -1, -call('LLEN', REFUSALS), -1 do
  local entry = unpack_one(call('LINDEX', REFUSALS, place))
  if entry[REFUSED_AT] + REFUSALS_KEPT_MS > state[CLOCK] then
    local number = call('HGET', TUPLES, entry[REFUSED_TUPLE])
    local record = number and read_record(number)
    entry[10] = record and record[SINCE] or 0
    entries[#entries + 1] = entry
  end
end
return pack({ state[CLOCK], rules[STOCK], rules[MAX_SIZE], math.max(rules[MIN_DURATION], rules[HOLD]),
  state[OVERFLOW_TOTAL], state[REFUSED_TOTAL], entries })
