#!lua flags=no-writes
-- Counts a stock.
--
-- KEYS   the stock's (include/stock_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
-- Reply  packed: { size, available, in quarantine, lent, on their way }
--@include stock_keys
local now = clock(ARGV[1])
local size, here = call('HLEN', NUMBERS), call('ZCARD', AVAILABLE)
local available = call('ZCOUNT', AVAILABLE, '-inf', now)
local moving = call('HLEN', MOVING)
return pack({ size, available, here - available, size - here - moving, moving })
