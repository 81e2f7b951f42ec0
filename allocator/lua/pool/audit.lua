#!lua
-- Audits a page of what a pool keeps: records against the orders, tuples and shelves that they should
-- be in ("numbers"), and what is in those against the records. The record is the truth; where it is
-- lost, who is promised the number until when is known from TUPLES and GUARD, and it is made again.
-- Nothing but one page is looked at in one call, so that a pool in use gives no false findings.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 int        1: mend what is found
--        3 string     part: state, free, idle, stale, tuples, guard, drain, shelves, numbers, history,
--                     clicks, calls, calls_by_time, outbox, networks, series, refusals; in this order, to mend
--        4 string     cursor ("0" to begin)
--        5 int        about how many entries
-- Reply  packed: false when there is no such pool, else { next cursor ("0" after the last page),
--        array of { number ("" for the pool as a whole), what is wrong, 1 it is mended, else 0 }, how
--        many entries were looked at (-1: nothing else can be) }
--@include pool_keys
--@include pool_state
--@include pool_record
--@include pool_budget
--@include pool_end_assignment
--@include pool_leave
--@include areas
--@include pool_promised
--@include audit
--@include pool_series
-- What was packed, when it is an array of so many values at least; else nil.
local function array_in(packed, least)
  local read, value = pcall(unpack_one, packed or '')
  return read and type(value) == 'table' and #value >= least and value or nil
end

for _, key in ipairs(KEYS) do
  local sorted = key == FREE or key == GUARD or key == IDLE or key == DRAIN or key == STALE
    or key == CALLS_BY_TIME or key == SHELVES
  local counts = key == REFUSALS and 'LLEN' or key == LEDGER and 'XLEN' or sorted and 'ZCARD' or 'HLEN'
  if part == 'state' and not audit_kind(key, counts) then
    return pack({ '0', found, -1 })
  end
end
local documents = call('HMGET', META, 'rules', 'state')
if not documents[1] then return pack(false) end
if not array_in(documents[1], 13) then
  if note('', 'its rules can not be read') then call('HDEL', META, 'rules') end
  return pack({ '0', found, -1 })
end
if not array_in(documents[2], 15) then
  if not note('', 'its counters are lost') then return pack({ '0', found, -1 }) end
  -- What can be counted is counted by the parts that follow.
  call('HSET', META, 'state', pack({ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }))
end
local rules, state = open_pool(ARGV[1])
local now = state[CLOCK]

-- A number's record; false when it can't be read.
local function record_of(number)
  local packed = is_number(number) and call('HGET', NUMBERS, number)
  if not packed then return nil end
  local record = array_in(packed, 10)
  if not record or type(record[TUPLE]) ~= 'string' or type(record[LENT_BY]) ~= 'string' then return false end
  for place = SINCE, RELEASED do
    if type(record[place]) ~= 'number' then return false end
  end
  return record
end

-- Makes a record again that is lost. `tuple`: who has it; nil: nobody knows.
local function mend_record(number, tuple, ends, leaving)
  promise(number, tuple or nobody(number), ends, '', rules, state)
  if leaving then start_draining(number, read_record(number)) end
end

-- The member by which a number's record says that it is in an order; nil when it shouldn't be there.
-- Once its guarantee is over it waits in GUARD until somebody promotes it, so all three are right.
local function member_in(order, number, record)
  if record[SINCE] == 0 then return order == FREE and number or nil end
  if record[LEAVING] == 1 then return order == DRAIN and number or nil end
  if order == GUARD then return number end
  if (order == IDLE or order == STALE) and record[UNTIL] <= now then return idle_member(number, record) end
  return nil
end

local function audit_places(number, record)
  local places = {}
  for _, order in ipairs({ FREE, GUARD, IDLE, DRAIN, STALE }) do
    local member = member_in(order, number, record)
    local score = member and call('ZSCORE', order, member)
    if score then
      places[#places + 1] = { order, member }
      if (order == GUARD or order == DRAIN) and tonumber(score) ~= record[UNTIL] then
        if note(number, 'its order has another end of its guarantee') then
          call('ZADD', order, record[UNTIL], member)
        end
      end
    end
  end
  if not places[1] and note(number, 'it is in no order') then
    if record[SINCE] == 0 then
      call('ZADD', FREE, now, number)
    else
      call('ZADD', record[LEAVING] == 1 and DRAIN or GUARD, record[UNTIL], number)
    end
  end
  if places[2] and note(number, 'it is in two orders') then
    for i = 2, #places do call('ZREM', places[i][1], places[i][2]) end
  end
end

local function audit_tuple(number, record)
  local holder = call('HGET', TUPLES, record[TUPLE])
  if holder == number then return end
  local other = holder and record_of(holder)
  if not other or other[TUPLE] ~= record[TUPLE] then
    if note(number, 'its tuple does not lead to it') then call('HSET', TUPLES, record[TUPLE], number) end
  elseif note(number, 'its tuple has another number too') then
    -- Nobody gets it before the guarantee is over, but the tuple has only the other one.
    record[TUPLE] = nobody(number)
    write_record(number, record)
    call('HSET', TUPLES, record[TUPLE], number)
  end
end

local function audit_number(number)
  if not is_number(number) then
    if note(number, 'it is not a number') then call('HDEL', NUMBERS, number) end
    return
  end
  local record = record_of(number)
  if record == nil then return end
  if record == false then
    -- No guarantee of a known end has it, or it would have been made again before.
    if note(number, 'its record can not be read') then
      promise(number, nobody(number), now + math.max(rules[MIN_DURATION], rules[HOLD]), '', rules, state)
    end
    return
  end
  audit_places(number, record)
  if record[SINCE] > 0 then audit_tuple(number, record) end
  local area = area_of(number, rules[AREAS])
  if state[SHELVED] == 1 and (record[AREA] or nil) ~= area and note(number, 'it is in another area') then
    unshelve(number, record)
    record[AREA] = area
    write_record(number, record)
  end
  if record[AREA] and record[LEAVING] == 0 and not call('ZSCORE', SHELVES, shelf_member(number, record)) then
    if note(number, 'it is not on the shelf of its area') then shelve(number, record) end
  end
  if record[SERIAL] > state[ASSIGNED] then
    if note(number, 'its assignment is not counted') then state[ASSIGNED] = record[SERIAL] end
  end
end

local function audit_order(order)
  local first, kept = tonumber(cursor), 0
  local members = call('ZRANGE', order, first, first + most - 1)
  for _, member in ipairs(members) do
    local number = member
    if order == IDLE or order == STALE then number = number_of(member) end
    if order == SHELVES then number = number_on_shelf(member) end
    local record = record_of(number)
    local right
    if record and order == SHELVES then
      right = record[AREA] and record[LEAVING] == 0 and shelf_member(number, record) == member
    elseif record then
      right = member_in(order, number, record) == member
    end
    local ends = not record and (order == GUARD or order == DRAIN) and tonumber(call('ZSCORE', order, member))
    if ends and ends > now then
      if note(number, 'its record is lost') then mend_record(number, nil, ends, order == DRAIN) end
      kept = kept + 1
    elseif not right and note(number, 'it is in "' .. part .. '"' .. (record and ' against its record' or ' without a record')) then
      call('ZREM', order, member)
    else
      kept = kept + 1
    end
  end
  looked_at = #members
  if #members == most then following = string.format('%d', first + kept) end
end

local function audit_tuples(tuple, number)
  local record = record_of(number)
  if record and record[SINCE] > 0 and record[TUPLE] == tuple then return end
  if not record or record[SINCE] == 0 then
    local drains = call('ZSCORE', DRAIN, number)
    local ends = tonumber(call('ZSCORE', GUARD, number) or drains or 0)
    if ends > now then
      if note(number, 'its record is lost') then mend_record(number, tuple, ends, drains) end
      return
    end
  end
  if note(number, 'a tuple leads to it that does not hold it') then call('HDEL', TUPLES, tuple) end
end

local function audit_history(number, packed)
  if not call('HGET', NUMBERS, number) then
    if note(number, 'its former holders are kept without it') then call('HDEL', HISTORY, number) end
    return
  end
  local read, count = pcall(function()
    local entries = { cmsgpack.unpack(string.sub(packed, 3)) }
    for _, entry in ipairs(entries) do
      if type(entry) ~= 'table' or #entry < 9 then error('no entry') end
    end
    return struct.unpack('>H', packed) == #entries
  end)
  if not (read and count) and note(number, 'its former holders can not be read') then
    call('HDEL', HISTORY, number)
  end
end

local function audit_clicks(field)
  local number = string.sub(field, 1, -3)
  local record = record_of(number)
  if record == nil or (record and record[SINCE] == 0) then
    if note(number, 'a click of it is kept, and nobody has it') then call('HDEL', CLICKS, field) end
  end
end

local function audit_network(network, packed)
  if not is_network(network) then return end
  local has, counted = 0, #packed >= 10 and #packed % 10 == 0 and select(2, struct.unpack('>I6I4', packed))
  if counted then
    for from = 11, #packed, 10 do has = has + select(2, struct.unpack('>I6I4', packed, from)) end
  end
  if counted ~= has and note('', 'what a client network has is counted wrong') then
    if counted then
      call('HSET', META, network, string.sub(packed, 1, 6) .. struct.pack('>I4', has) .. string.sub(packed, 11))
    else
      call('HDEL', META, network)
    end
  end
end

local function audit_series(field, packed)
  local readable = #packed % ROW_BYTES == 0 and #packed <= HOURS_KEPT * ROW_BYTES
  if field == 'base' then
    local base = array_in(packed, 5)
    readable = base and type(base[AT_MINUTE]) == 'table' and type(base[AT_HOUR]) == 'table'
  end
  if not readable and note('', 'what happened in its minutes and hours can not be read') then
    call('HDEL', SERIES, field)
  end
end

local function audit_meta(field, packed)
  if field ~= 'shrunk' then return audit_network(field, packed) end
  local run = array_in(packed, 4)
  for place = 1, 4 do
    if run and type(run[place]) ~= 'number' then run = nil end
  end
  if not run and note('', 'what it gave back lately can not be read') then call('HDEL', META, field) end
end

if part == 'numbers' then
  each_field(NUMBERS, audit_number)
elseif part == 'tuples' then
  each_field(TUPLES, audit_tuples)
elseif part == 'history' then
  each_field(HISTORY, audit_history)
elseif part == 'clicks' then
  each_field(CLICKS, audit_clicks)
elseif part == 'networks' then
  each_field(META, audit_meta)
elseif part == 'series' then
  each_field(SERIES, audit_series)
elseif part == 'outbox' then
  each_field(OUTBOX, function(number, packed)
    if not array_in(packed, 4) and note(number, 'where it went can not be read') then
      call('HDEL', OUTBOX, number)
    end
  end)
elseif part == 'calls' then
  each_field(CALLS, function(id)
    if not call('ZSCORE', CALLS_BY_TIME, id) and note('', 'a call is never forgotten') then
      call('ZADD', CALLS_BY_TIME, now, id)
    end
  end)
elseif part == 'calls_by_time' then
  local first, kept = tonumber(cursor), 0
  local ids = call('ZRANGE', CALLS_BY_TIME, first, first + most - 1)
  for _, id in ipairs(ids) do
    if call('HEXISTS', CALLS, id) == 0 and note('', 'a call is to be forgotten that is not known') then
      call('ZREM', CALLS_BY_TIME, id)
    else
      kept = kept + 1
    end
  end
  looked_at = #ids
  if #ids == most then following = string.format('%d', first + kept) end
elseif part == 'refusals' then
  looked_at = call('LLEN', REFUSALS)
  for place = looked_at - 1, 0, -1 do
    local packed = call('LINDEX', REFUSALS, place)
    if not array_in(packed, 9) and note('', 'what it refused can not be read') then
      call('LTRIM', REFUSALS, place + 1, -1) -- and what is older: it hardly ever happens
      break
    end
  end
elseif part ~= 'state' then
  audit_order(({ free = FREE, guard = GUARD, idle = IDLE, drain = DRAIN, stale = STALE, shelves = SHELVES })[part])
end
if following == '0' and part == 'numbers' then
  local size = call('HLEN', NUMBERS)
  if state[SIZE] ~= size and note('', 'its size is counted as ' .. state[SIZE] .. ', and is ' .. size) then
    state[SIZE] = size
  end
  if state[HAS_STALE] == 0 and call('EXISTS', STALE) == 1 and note('', 'an earlier order is left over') then
    state[HAS_STALE] = 1
  end
end
if repair then save_state(state) end
return pack({ following, found, looked_at })
