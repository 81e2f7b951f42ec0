-- How many messages the ledger has that the archive hasn't read, and how long the oldest has waited by the
-- clock of the pool or stock, ms. A ledger that can't be read has none: this is told, nothing hangs on it.
local function ledger_waits(now)
  local waiting = tonumber(redis.pcall('XLEN', LEDGER)) or 0
  local oldest = waiting > 0 and redis.pcall('XRANGE', LEDGER, '-', '+', 'COUNT', 1)[1]
  if not oldest then return 0, 0 end
  return waiting, math.max(0, now - tonumber(string.match(oldest[1], '^%d+')))
end
