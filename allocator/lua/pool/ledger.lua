#!lua flags=no-writes
-- What the archive hasn't read yet, the oldest first, of a pool that may be deleted.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int        how many messages at most; fewer come where they are large, so that whoever reads
--                     them, and a script that does, are busy with them for some milliseconds only
-- Reply  packed: array of { id, message } (include/pool_ledger.lua)
--@include pool_keys
local reply = {}
local bytes = 0
for i, message in ipairs(call('XRANGE', LEDGER, '-', '+', 'COUNT', ARGV[1])) do
  reply[i] = { message[1], message[2][2] }
  bytes = bytes + #message[2][2]
  if bytes > 200000 then break end
end
return pack(reply)
