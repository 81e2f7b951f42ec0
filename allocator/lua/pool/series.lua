#!lua flags=no-writes
-- What happened in a pool in each of the last minutes and hours, the present ones among them.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 int        how many minutes, 1440 at most
--        3 int        how many hours, 840 at most
-- Reply  packed: false when there is no such pool, else { clock ms, the minute that the series begins
--        with (whole minutes since 1970; 0: nobody has asked the pool yet), rows of the minutes, rows
--        of the hours }, rows as in include/pool_series.lua, the oldest first; "" when nobody has asked
--@include pool_keys
--@include pool_state
--@include pool_series
local rules, state = open_pool(ARGV[1])
if not rules then return pack(false) end
local packed = call('HGET', SERIES, 'base')
if not packed then return pack({ state[CLOCK], 0, '', '' }) end
local tools = series_tools()
local base, totals = unpack_one(packed), tools.totals_of(state)

-- The last `count` rows of a ring up to before a minute or hour.
local function rows_before(ring, kept, in_field, to, count)
  local place, parts = (to - count) % kept, {}
  while count > 0 do
    local from = place % in_field
    local some = math.min(count, in_field - from)
    local field = ring .. (kept > in_field and math.floor(place / in_field) or '')
    local part = string.sub(call('HGET', SERIES, field) or '', from * ROW_BYTES + 1, (from + some) * ROW_BYTES)
    parts[#parts + 1] = part .. string.rep('\0', some * ROW_BYTES - #part)
    place, count = (place + some) % kept, count - some
  end
  return table.concat(parts)
end

local function last_rows(ring, kept, in_field, row, from, span, count)
  local to = math.max(from, math.floor(state[CLOCK] / span)) + 1
  count = math.min(count, kept)
  local rows = tools.rows_until(row, from, to, span, count)
  return rows_before(ring, kept, in_field, from, count - #rows) .. table.concat(rows)
end

local minute, peak = base[BASE_MINUTE], math.max(base[HOUR_PEAK], state[PEAK])
return pack({ state[CLOCK], base[BEGUN],
  last_rows('m', MINUTES_KEPT, MINUTES_A_FIELD, tools.row_between(base[AT_MINUTE], totals, state[PEAK]),
    minute, A_MINUTE, tonumber(ARGV[2])),
  last_rows('h', HOURS_KEPT, HOURS_KEPT, tools.row_between(base[AT_HOUR], totals, peak),
    math.floor(minute / 60), AN_HOUR, tonumber(ARGV[3])) })
