#!lua flags=no-writes
-- What the archive hasn't read yet, the oldest first, of a pool that may be deleted.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int        how many messages at most
-- Reply  packed: array of { id, message } (include/pool_ledger.lua)
--@include pool_keys
local reply = {}
for i, message in ipairs(call('XRANGE', LEDGER, '-', '+', 'COUNT', ARGV[1])) do
  reply[i] = { message[1], message[2][2] }
end
return pack(reply)
