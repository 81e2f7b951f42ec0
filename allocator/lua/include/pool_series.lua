-- What happened in each of the last 1440 minutes and in each of the last 840 hours.
--
-- The totals in the state tell all of it: when the first script that counts comes in another minute
-- than the one before, the difference to the totals then is that minute's row. SERIES has the rows in
-- rings, 8 bytes a row: fields "m0" to "m5" 240 minutes each, "h" the hours; a field may be shorter
-- than that, what is missing is zeros. And "base", packed: 1 the minute (whole minutes since 1970) that
-- has no row yet, 2 the minute that the series begins with, 3 most numbers held in the hour of 1, the
-- totals { answers, new, recycled, overflow, calls, age } 4 when 1 began and 5 when its hour began.
--
-- A row, big-endian: answers (10 bits), new, recycled, overflow, most numbers held, calls and the mean
-- time that the recycled numbers' former assignments had stood (s), 9 bits each, as small floats.
-- Numbers are "held" while they are inside a guarantee, and stay with the pool. How many are is counted
-- when a minute begins, and when the first ones of a second are given: more than that would cost as much
-- as giving them.
local A_MINUTE, AN_HOUR, MINUTES_KEPT, MINUTES_A_FIELD, HOURS_KEPT, ROW_BYTES = 60000, 3600000, 1440, 240, 840, 8
local BASE_MINUTE, BEGUN, HOUR_PEAK, AT_MINUTE, AT_HOUR = 1, 2, 3, 4, 5

-- What works on series: made when a minute is over, since every call of a script would make functions
-- that stand by themselves.
local function series_tools()
  local tools = {}
  local nothing = string.rep('\0', ROW_BYTES)

  -- A count as a small float: as it is below 2 ^ (fraction + 1), above that rounded to the nearest of
  -- 2 ^ fraction steps from a power of 2 to the next. What is too large is the largest.
  local function code_of(value, bits, fraction)
    if value == 0 then return 0 end
    local steps, power = 2 ^ fraction, 0
    while value / 2 ^ power >= 2 * steps - 0.5 do power = power + 1 end
    return math.min(2 ^ bits - 1, power * steps + math.floor(value / 2 ^ power + 0.5))
  end

  local function packed_row(values)
    local widths, fractions = { 10, 9, 9, 9, 9, 9, 9 }, { 5, 5, 4, 4, 5, 5, 4 }
    local row, rest, bits = '', 0, 0
    for i, value in ipairs(values) do
      rest = rest * 2 ^ widths[i] + code_of(value, widths[i], fractions[i])
      bits = bits + widths[i]
      while bits >= 8 do
        bits = bits - 8
        row, rest = row .. string.char(math.floor(rest / 2 ^ bits)), rest % 2 ^ bits
      end
    end
    return row
  end

  function tools.totals_of(state)
    return { state[NEW_TOTAL] + state[HELD_TOTAL] + state[RECYCLED_TOTAL] + state[OVERFLOW_TOTAL]
      + state[REFUSED_TOTAL], state[NEW_TOTAL], state[RECYCLED_TOTAL], state[OVERFLOW_TOTAL],
      state[CALLS_TOTAL], state[AGE_TOTAL] }
  end

  -- The row of what was counted between two totals.
  function tools.row_between(from, to, peak)
    local more = {}
    for i = 1, #to do more[i] = math.max(0, to[i] - from[i]) end
    local age = more[3] > 0 and math.floor(more[6] / more[3] / 1000 + 0.5) or 0
    return packed_row({ more[1], more[2], more[3], more[4], peak, more[5], age })
  end

  -- How many numbers were held at a time since which nobody has promoted any.
  local function held_at(time)
    return call('ZCOUNT', GUARD, '(' .. string.format('%d', time), '+inf')
  end

  -- Most numbers held in the minute that has no row yet.
  function tools.peak(state, minute)
    return math.max(state[PEAK], held_at((minute + 1) * A_MINUTE))
  end

  -- Rows from a minute or hour on, `most` at most of the last ones: `row`, then those in which nobody
  -- asked, until before `to`. Numbers were held in these as well, fewer and fewer. Returns them and
  -- where they begin.
  function tools.rows_until(row, from, to, span, most)
    local first, rows, held, idle = math.max(from, to - most), {}, nil, nil
    for at = first, to - 1 do
      if at > from and held ~= 0 then
        local found = held_at(at * span)
        if found ~= held then
          held, idle = found, found == 0 and nothing or packed_row({ 0, 0, 0, 0, found, 0, 0 })
        end
      end
      rows[#rows + 1] = at == from and row or idle
    end
    return rows, first
  end

  -- Puts the fields of SERIES that rows change, each with its new value, into `written`.
  local function write_rows(written, ring, kept, in_field, first, rows)
    local place, done = first % kept, 0
    while done < #rows do
      local from = place % in_field
      local count = math.min(#rows - done, in_field - from)
      local field = ring .. (kept > in_field and math.floor(place / in_field) or '')
      local before = written[field] or call('HGET', SERIES, field) or ''
      written[field] = string.sub(before, 1, from * ROW_BYTES)
        .. string.rep('\0', from * ROW_BYTES - #before) .. table.concat(rows, '', done + 1, done + count)
        .. string.sub(before, (from + count) * ROW_BYTES + 1)
      place, done = (place + count) % kept, done + count
    end
  end

  -- A new minute begins. Called before anything of it is counted, by scripts that save the state.
  function tools.begin_minute(state)
    local minute, totals = math.floor(state[CLOCK] / A_MINUTE), tools.totals_of(state)
    local hour = math.floor(minute / 60)
    local held = held_at(minute * A_MINUTE)
    local packed = call('HGET', SERIES, 'base')
    local base = packed and unpack_one(packed) or { minute, minute, held, totals, totals }
    local from, written = base[BASE_MINUTE], {}
    if from < minute then
      state[PEAK] = tools.peak(state, from)
      local row = tools.row_between(base[AT_MINUTE], totals, state[PEAK])
      local rows, first = tools.rows_until(row, from, minute, A_MINUTE, MINUTES_KEPT)
      write_rows(written, 'm', MINUTES_KEPT, MINUTES_A_FIELD, first, rows)
      base[HOUR_PEAK] = math.max(base[HOUR_PEAK], state[PEAK])
      local from_hour = math.floor(from / 60)
      if from_hour < hour then
        row = tools.row_between(base[AT_HOUR], totals, base[HOUR_PEAK])
        rows, first = tools.rows_until(row, from_hour, hour, AN_HOUR, HOURS_KEPT)
        write_rows(written, 'h', HOURS_KEPT, HOURS_KEPT, first, rows)
        base[HOUR_PEAK], base[AT_HOUR] = held_at(hour * AN_HOUR), totals
      end
      base[BASE_MINUTE], base[AT_MINUTE] = minute, totals
    end
    local fields = { 'base', pack(base) }
    for field, value in pairs(written) do
      fields[#fields + 1], fields[#fields + 2] = field, value
    end
    call('HSET', SERIES, unpack(fields))
    state[PEAK], state[LOOKED], state[MINUTE_ENDS] = held, 61, (minute + 1) * A_MINUTE
  end

  return tools
end
