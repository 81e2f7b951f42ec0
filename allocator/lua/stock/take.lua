#!lua
-- Sends numbers to a pool that grows: those out of quarantine, longest available first. Until
-- stock/confirm notes its arrival, a number is on its way: no other pool gets it, and stock/resume
-- hands the move to somebody new after 10 s (include/pool_arrivals.lua has the pool's side of it).
--
-- KEYS   the stock's (include/stock_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 string     pool id
--        3 int        how many at most
-- Reply  packed: array of { number, moved at ms, packed history, loan ms }
--@include stock_keys
local now = clock(ARGV[1])
-- The time names the loan, so it is never the same twice, whatever the clock does.
local loan = math.max(now, tonumber(call('HGET', META, 'last_loan') or 0) + 1)
local reply = {}
for _, number in ipairs(call('ZRANGEBYSCORE', AVAILABLE, '-inf', now, 'LIMIT', 0, ARGV[3])) do
  call('ZREM', AVAILABLE, number)
  call('HSET', NUMBERS, number, pack({ ARGV[2], loan, 0 }))
  call('HSET', MOVING, number, pack({ ARGV[2], now }))
  reply[#reply + 1] = { number, now, call('HGET', HISTORY, number) or '', loan }
end
if #reply > 0 then call('HSET', META, 'last_loan', loan) end
return pack(reply)
