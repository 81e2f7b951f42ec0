#!lua flags=no-writes
-- What the archive hasn't read yet, the oldest first.
--
-- KEYS   the stock's (include/stock_keys.lua)
-- ARGV   1 int        how many messages at most
-- Reply  packed: array of { id, message } (include/pool_ledger.lua)
--@include stock_keys
local reply = {}
for i, message in ipairs(call('XRANGE', LEDGER, '-', '+', 'COUNT', ARGV[1])) do
  reply[i] = { message[1], message[2][2] }
end
return pack(reply)
