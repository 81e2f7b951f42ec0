#!lua
-- Puts a number right that an audit found: lent to a pool, here, or not this stock's. Repeatable.
--
-- KEYS   the stock's (include/stock_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 string     the number
--        3 string     "lent", "here" or "gone"
--        4 string     lent: the pool
--        5 int        lent: the loan, ms (0: one that was never before); here: from when it may go, ms
--                     from now, and its quarantine on top
--        6 int        1: it leaves when it is back
-- Reply  packed int: the loan, ms; 0 when it isn't lent
--@include stock_keys
--@include areas
local now, number, place, pool, at = clock(ARGV[1]), ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local known = call('HMGET', META, 'last_loan', 'areas', 'quarantine')
local read, former = pcall(read_record, number)
make_unavailable(number, read and type(former) == 'table' and former)
call('HDEL', MOVING, number)
if place == 'gone' then
  call('HDEL', NUMBERS, number)
  call('HDEL', HISTORY, number)
  return pack(0)
end
local area = area_of(number, known[2])
if place == 'here' then
  local record = { '', now, tonumber(ARGV[6]), area }
  call('HSET', NUMBERS, number, pack(record))
  make_available(number, record, now + at + tonumber(known[3] or '0'))
  return pack(0)
end
local last = tonumber(known[1] or '0')
if at == 0 then at = math.max(now, last + 1) end
if at > last then call('HSET', META, 'last_loan', at) end
call('HSET', NUMBERS, number, pack({ pool, at, tonumber(ARGV[6]), area }))
return pack(at)
