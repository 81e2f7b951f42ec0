#!lua
-- Audits a page of what a pool keeps: records against the orders, tuples and shelves that they should
-- be in ("numbers"), then what is in those against the records. The record is the truth. Nothing but
-- one page is looked at in one call, so that a pool in use gives no false findings.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 int        1: mend what is found
--        3 string     part: numbers, tuples, free, guard, idle, drain, stale, shelves
--        4 string     cursor ("0" to begin)
--        5 int        about how many entries
-- Reply  packed: false when there is no such pool, else { next cursor ("0" after the last page),
--        array of { number ("" for the pool as a whole), what is wrong } }
--@include pool_keys
--@include pool_state
--@include pool_record
local rules, state = open_pool(ARGV[1])
if not rules then return pack(false) end
local now, repair, part, cursor, most = state[CLOCK], ARGV[2] == '1', ARGV[3], ARGV[4], tonumber(ARGV[5])
local found, following = {}, '0'

local function note(number, what)
  found[#found + 1] = { number, what }
  return repair
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
  local other = holder and read_record(holder)
  if not other or other[TUPLE] ~= record[TUPLE] then
    if note(number, 'its tuple does not lead to it') then call('HSET', TUPLES, record[TUPLE], number) end
  elseif note(number, 'its tuple has another number too') then
    -- Nobody gets it before the guarantee is over, but the tuple has only the other one.
    record[TUPLE] = ''
    write_record(number, record)
  end
end

local function audit_number(number, record)
  audit_places(number, record)
  if record[SINCE] > 0 and record[TUPLE] ~= '' then audit_tuple(number, record) end
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
    if order == SHELVES then number = string.match(member, '^[^:]*:%x%x%x%x%x%x%x%x%x%x%x(.*)$') or member end
    local record = read_record(number)
    local right
    if record and order == SHELVES then
      right = record[AREA] and record[LEAVING] == 0 and shelf_member(number, record) == member
    elseif record then
      right = member_in(order, number, record) == member
    end
    if not right and note(number, 'it is in "' .. part .. '"' .. (record and ' against its record' or ' without a record')) then
      call('ZREM', order, member)
    else
      kept = kept + 1
    end
  end
  if #members == most then following = string.format('%d', first + kept) end
end

if part == 'numbers' or part == 'tuples' then
  local page = call('HSCAN', part == 'numbers' and NUMBERS or TUPLES, cursor, 'COUNT', most)
  following = page[1]
  for i = 1, #page[2], 2 do
    if part == 'numbers' then
      audit_number(page[2][i], unpack_one(page[2][i + 1]))
    else
      local number = page[2][i + 1]
      local record = read_record(number)
      if not record or record[SINCE] == 0 or record[TUPLE] ~= page[2][i] then
        if note(number, 'a tuple leads to it that does not hold it') then call('HDEL', TUPLES, page[2][i]) end
      end
    end
  end
else
  audit_order(({ free = FREE, guard = GUARD, idle = IDLE, drain = DRAIN, stale = STALE, shelves = SHELVES })[part])
end
if cursor == '0' and part == 'numbers' then
  local size = call('HLEN', NUMBERS)
  if state[SIZE] ~= size and note('', 'its size is counted as ' .. state[SIZE] .. ', and is ' .. size) then
    state[SIZE] = size
  end
  if state[HAS_STALE] == 0 and call('EXISTS', STALE) == 1 and note('', 'an earlier order is left over') then
    state[HAS_STALE] = 1
  end
end
if repair then save_state(state) end
return pack({ following, found })
