#!lua
-- Deletes a pool that has no numbers, with its totals, its calls and its history.
--
-- KEYS  the pool's. ARGV 1 now.
-- Reply packed: false when there is no such pool, 1 deleted, 0 numbers are in it, or left it and
--   haven't been handed on.
--@include pool_keys
--@include pool_state
local rules, state = open_pool(ARGV[1])
if not rules then return pack(false) end
if state[SIZE] > 0 then return pack(0) end
for _, letter in ipairs(call('HVALS', OUTBOX)) do
  if unpack_one(letter)[4] == 0 then return pack(0) end
end
call('UNLINK', unpack(KEYS))
return pack(1)
