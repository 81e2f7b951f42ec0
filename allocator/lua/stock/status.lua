#!lua flags=no-writes
-- Counts a stock.
--
-- KEYS   the stock's (include/stock_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 string     areas with blanks between; "" for none
-- Reply  packed: { size, available, in quarantine, lent, on their way, available of these areas,
--        messages that wait in the ledger, ms since the oldest of them }
--@include stock_keys
--@include ledger_waits
local now = clock(ARGV[1])
local size, here = call('HLEN', NUMBERS), call('ZCARD', AVAILABLE)
local available = call('ZCOUNT', AVAILABLE, '-inf', now)
local moving = call('HLEN', MOVING)
local of_areas = 0
for area in string.gmatch(ARGV[2], '%S+') do
  of_areas = of_areas + call('ZLEXCOUNT', SHELVES, available_on(area, now))
end
local waiting, oldest_waiting = ledger_waits(now)
return pack({ size, available, here - available, size - here - moving, moving, of_areas,
  waiting, oldest_waiting })
