#!lua
-- Deletes a pool that has no numbers, with its totals, its calls and its history. Its ledger stays until
-- the archive has read it.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
-- Reply  packed: false when there is no such pool, 1 deleted, 0 numbers are in it, or left it and
--        haven't been handed on
--@include pool_keys
--@include pool_state
local DELETED, HAS_NUMBERS = 1, 0

local rules, state = open_pool(ARGV[1])
if not rules then return pack(false) end
if state[SIZE] > 0 then return pack(HAS_NUMBERS) end
for _, entry in ipairs(call('HVALS', OUTBOX)) do
  if unpack_one(entry)[4] == 0 then return pack(HAS_NUMBERS) end
end
local kept = call('XLEN', LEDGER) > 0 and 1 or 0
call('UNLINK', unpack(KEYS, 1, #KEYS - kept)) -- LEDGER is the last
return pack(DELETED)
