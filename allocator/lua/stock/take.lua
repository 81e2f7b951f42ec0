#!lua
-- Sends numbers to a pool that grows: those out of quarantine, longest available first. Until
-- stock/confirm notes its arrival, a number is on its way: no other pool gets it, and stock/resume
-- hands the move to somebody new after 10 s (include/pool_arrivals.lua has the pool's side of it).
--
-- KEYS   the stock's (include/stock_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 string     pool id
--        3 int        how many at most
--        4… string    none: any number will do; else, for each: areas (include/areas.lua) with blanks
--                     between, the best first, and "*" last if a general one or any will do too
-- Reply  packed: array of { number, moved at ms, packed history, loan ms }
--@include stock_keys
local now = clock(ARGV[1])
local known = call('HMGET', META, 'last_loan', 'areas', 'general')
-- The time names the loan, so it is never the same twice, whatever the clock does.
local loan = math.max(now, tonumber(known[1] or 0) + 1)
local by_area = known[2]
local reply = {}

local function send(number)
  local record = by_area and read_record(number)
  if by_area then
    make_unavailable(number, record)
  else
    call('ZREM', AVAILABLE, number)
  end
  call('HSET', NUMBERS, number, pack({ ARGV[2], loan, 0, record and record[AREA] or nil }))
  call('HSET', MOVING, number, pack({ ARGV[2], now }))
  reply[#reply + 1] = { number, now, call('HGET', HISTORY, number) or '', loan }
end

local empty = {}
local function first_on(area)
  if empty[area] then return nil end
  local from, to = available_on(area, now)
  local member = call('ZRANGEBYLEX', SHELVES, from, to, 'LIMIT', 0, 1)[1]
  empty[area] = not member
  return member and string.sub(member, #area + 13)
end

local function first_general()
  for area in string.gmatch(known[3] or '', '%S+') do
    local number = first_on(area)
    if number then return number end
  end
  return first_on('')
end

local function first_of_all(most)
  return call('ZRANGEBYSCORE', AVAILABLE, '-inf', now, 'LIMIT', 0, most)
end

for i = 4, #ARGV do
  if #reply >= tonumber(ARGV[3]) then break end
  for area in string.gmatch(ARGV[i], '%S+') do
    local number
    if area == '*' then
      number = first_general() or first_of_all(1)[1]
    else
      number = first_on(area)
    end
    if number then
      send(number)
      break
    end
  end
end
if #ARGV == 3 then
  for _, number in ipairs(first_of_all(ARGV[3])) do send(number) end
end
if #reply > 0 then call('HSET', META, 'last_loan', loan) end
return pack(reply)
