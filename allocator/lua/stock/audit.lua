#!lua
-- Audits a page of what a stock keeps, as pool/audit does: the record is the truth.
--
-- KEYS   the stock's (include/stock_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 int        1: mend what is found
--        3 string     part: kinds, available, shelves, moving, numbers, history; in this order, to mend
--        4 string     cursor ("0" to begin)
--        5 int        about how many entries
-- Reply  packed { next cursor ("0" after the last page), array of { number, what is wrong, 1 it is
--        mended, else 0 }, how many entries were looked at (-1: nothing else can be) }
--@include stock_keys
--@include audit
local now = clock(ARGV[1])

-- A number's record; false when it can't be read.
local function record_of(number)
  local packed = is_number(number) and call('HGET', NUMBERS, number)
  if not packed then return nil end
  local read, record = pcall(unpack_one, packed)
  if not read or type(record) ~= 'table' or type(record[POOL]) ~= 'string' then return false end
  return type(record[SINCE]) == 'number' and type(record[LEAVING]) == 'number' and record
end

local function shelf_member(number, record)
  local from = record[POOL] == '' and record[AREA] and call('ZSCORE', AVAILABLE, number)
  return from and record[AREA] .. ':' .. string.format('%011x', from) .. number
end

-- As if it had come back now: nobody knows who had it last.
local function put_back(number, record)
  make_available(number, record, now + tonumber(call('HGET', META, 'quarantine') or '0'))
end

local function audit_number(number, record)
  if record[POOL] == '' then
    if not call('ZSCORE', AVAILABLE, number) and note(number, 'it is here, but can not be found') then
      put_back(number, record)
    end
    local member = shelf_member(number, record)
    if member and not call('ZSCORE', SHELVES, member) and note(number, 'it is not on the shelf of its area') then
      call('ZADD', SHELVES, 0, member)
    end
  elseif record[SINCE] > tonumber(call('HGET', META, 'last_loan') or '0') then
    if note(number, 'its loan could be given again') then call('HSET', META, 'last_loan', record[SINCE]) end
  end
end

if part == 'kinds' then
  for _, key in ipairs(KEYS) do
    local sorted = key == AVAILABLE or key == SHELVES or key == CALLS_BY_TIME
    local counts = key == LEDGER and 'XLEN' or sorted and 'ZCARD' or 'HLEN'
    if not audit_kind(key, counts) then looked_at = -1 end
  end
elseif part == 'numbers' then
  each_field(NUMBERS, function(number)
    local record = record_of(number)
    if record then
      audit_number(number, record)
    elseif not is_number(number) then
      if note(number, 'it is not a number') then call('HDEL', NUMBERS, number) end
    else
      -- Whether it is lent, its pool knows.
      found[#found + 1] = { number, 'its record can not be read', 0 }
    end
  end)
elseif part == 'moving' then
  each_field(MOVING, function(number, packed)
    local record = record_of(number)
    local read, move = pcall(unpack_one, packed)
    local right = record and read and type(move) == 'table' and record[POOL] ~= '' and record[POOL] == move[1]
    if right and type(move[2]) ~= 'number' then right = false end
    if not right and note(number, 'it is in "moving" against its record') then
      call('HDEL', MOVING, number)
    end
  end)
elseif part == 'history' then
  each_field(HISTORY, function(number)
    if not call('HGET', NUMBERS, number) and note(number, 'its former holders are kept without it') then
      call('HDEL', HISTORY, number)
    end
  end)
else
  local order = part == 'available' and AVAILABLE or SHELVES
  local first, kept = tonumber(cursor), 0
  local members = call('ZRANGE', order, first, first + most - 1)
  for _, member in ipairs(members) do
    local number = member
    if order == SHELVES then number = number_on_shelf(member) end
    local record = record_of(number)
    local right = record and record[POOL] == ''
    if right and order == SHELVES then right = shelf_member(number, record) == member end
    if not right and note(number, 'it is in "' .. part .. '" against its record') then
      call('ZREM', order, member)
    else
      kept = kept + 1
    end
  end
  looked_at = #members
  if #members == most then following = string.format('%d', first + kept) end
end
return pack({ following, found, looked_at })
