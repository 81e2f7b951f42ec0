#!lua
-- Notes that numbers which left the pool have been handed on. What stays of each for a minute is
-- that and when it left, so that a message from before can't bring it back.
--
-- KEYS  the pool's. ARGV 1 now · 2… number, the loan by which it was here ("": the pool's own) and
--       the time it left (ms), by turns.
-- Reply packed: false when there is no such pool, else how many were noted.
--@include pool_keys
--@include pool_state
local rules, state = open_pool(ARGV[1])
if not rules then return pack(false) end
local noted = 0
for i = 2, #ARGV, 3 do
  local letter = call('HGET', OUTBOX, ARGV[i])
  letter = letter and unpack_one(letter)
  -- Both: while a clock that stepped back is held, a number may leave twice in the same ms.
  if letter and letter[1] == ARGV[i + 1] and letter[2] == tonumber(ARGV[i + 2]) then
    call('HSET', OUTBOX, ARGV[i], pack({ letter[1], letter[2], '', 1 }))
    noted = noted + 1
  end
end
return pack(noted)
