#!lua
-- Sets a pool's rules, making the pool when there is none. Guarantees given stay as they are.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 packed     rules (include/pool_state.lua)
-- Reply  packed int: 1 done (also when a newer revision is in force: then nothing changes), 2 done,
--        and pool/shelve is to put every number on the shelf of its area, 0 busy: an earlier edit of
--        the order is still being carried out; sweep, then ask again
--@include pool_keys
--@include pool_state
local DONE, BUSY, UNSHELVED = 1, 0, 2
-- Keeps META a hash table: with short values alone, up to some hundred client networks would be a
-- list in which each is searched for (hash-max-listpack-value is 64 bytes).
local WIDE = string.rep('-', 65)

local rules = unpack_one(ARGV[2])
local former, state = open_pool(ARGV[1])
if not former then
  call('HSET', META, 'wide', WIDE, 'rules', ARGV[2], 'state', pack({ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0 }))
  return pack(DONE)
end
if former[REVISION] > rules[REVISION] then return pack(DONE) end
-- A new order isn't sorted out here and now, a million numbers would stall the store: the old one
-- is set aside and moves over with the promotions of later calls and of the sweeper.
-- Weights hold for what comes from now on, and make no new one.
if former[RULE] ~= rules[RULE] or former[HALF_LIFE] ~= rules[HALF_LIFE] then
  if call('EXISTS', IDLE) == 1 then
    if call('EXISTS', STALE) == 1 then return pack(BUSY) end
    call('RENAME', IDLE, STALE)
    state[HAS_STALE] = 1
  end
  -- Keys drawn by weighted_random and the virtual time belong together; others' scores don't.
  state[VIRTUAL] = 0
end
if (former[AREAS] or '') ~= rules[AREAS] then state[SHELVED] = 0 end
state[DRY_UNTIL] = 0
call('HSET', META, 'wide', WIDE, 'rules', ARGV[2])
save_state(state)
return pack(state[SHELVED] == 0 and UNSHELVED or DONE)
