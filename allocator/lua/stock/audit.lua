#!lua
-- Audits a page of what a stock keeps, as pool/audit does: the record is the truth.
--
-- KEYS   the stock's (include/stock_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 int        1: mend what is found
--        3 string     part: numbers, available, moving, shelves
--        4 string     cursor ("0" to begin)
--        5 int        about how many entries
-- Reply  packed { next cursor ("0" after the last page), array of { number, what is wrong } }
--@include stock_keys
local now, repair, part, cursor, most = clock(ARGV[1]), ARGV[2] == '1', ARGV[3], ARGV[4], tonumber(ARGV[5])
local found, following = {}, '0'

local function note(number, what)
  found[#found + 1] = { number, what }
  return repair
end

local function shelf_member(number, record)
  local from = record[POOL] == '' and record[AREA] and call('ZSCORE', AVAILABLE, number)
  return from and record[AREA] .. ':' .. string.format('%011x', from) .. number
end

if part == 'numbers' then
  local page = call('HSCAN', NUMBERS, cursor, 'COUNT', most)
  following = page[1]
  for i = 1, #page[2], 2 do
    local number, record = page[2][i], unpack_one(page[2][i + 1])
    if record[POOL] == '' then
      if not call('ZSCORE', AVAILABLE, number) and note(number, 'it is here, but can not be found') then
        -- As if it had come back now: nobody knows who had it last.
        make_available(number, record, now + tonumber(call('HGET', META, 'quarantine') or '0'))
      end
      local member = shelf_member(number, record)
      if member and not call('ZSCORE', SHELVES, member) and note(number, 'it is not on the shelf of its area') then
        call('ZADD', SHELVES, 0, member)
      end
    end
  end
elseif part == 'moving' then
  local page = call('HSCAN', MOVING, cursor, 'COUNT', most)
  following = page[1]
  for i = 1, #page[2], 2 do
    local number, record = page[2][i], read_record(page[2][i])
    if not record or record[POOL] == '' or record[POOL] ~= unpack_one(page[2][i + 1])[1] then
      if note(number, 'it is in "moving" against its record') then call('HDEL', MOVING, number) end
    end
  end
else
  local order = part == 'available' and AVAILABLE or SHELVES
  local first, kept = tonumber(cursor), 0
  local members = call('ZRANGE', order, first, first + most - 1)
  for _, member in ipairs(members) do
    local number = member
    if order == SHELVES then number = string.match(member, '^[^:]*:%x%x%x%x%x%x%x%x%x%x%x(.*)$') or member end
    local record = read_record(number)
    local right = record and record[POOL] == ''
    if right and order == SHELVES then right = shelf_member(number, record) == member end
    if not right and note(number, 'it is in "' .. part .. '" against its record') then
      call('ZREM', order, member)
    else
      kept = kept + 1
    end
  end
  if #members == most then following = string.format('%d', first + kept) end
end
return pack({ following, found })
