#!lua
-- Notes that numbers which left the pool have been handed on. What stays of each for a minute is
-- that and when it left, so that a message from before can't bring it back.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2… three for each number:
--          string     the number
--          string     the loan by which it was here ("": the pool's own)
--          int        when it left, ms
-- Reply  packed: false when there is no such pool, else how many were noted
--@include pool_keys
--@include pool_state
local rules, state = open_pool(ARGV[1])
if not rules then return pack(false) end
local noted = 0
for i = 2, #ARGV, 3 do
  local entry = call('HGET', OUTBOX, ARGV[i])
  entry = entry and unpack_one(entry)
  -- Both: while a clock that stepped back is held, a number may leave twice in the same ms.
  if entry and entry[1] == ARGV[i + 1] and entry[2] == tonumber(ARGV[i + 2]) then
    call('HSET', OUTBOX, ARGV[i], pack({ entry[1], entry[2], '', 1 }))
    noted = noted + 1
  end
end
return pack(noted)
