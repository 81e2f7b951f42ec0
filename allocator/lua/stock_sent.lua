#!lua
-- Notes that numbers have arrived at their pool: they are lent from now on, their history with them.
--
-- KEYS  the stock's. ARGV 1 now · 2… number and the loan (ms) by which it went, by turns.
-- Reply packed: how many were on their way.
--@include stock_keys
local noted = 0
for i = 2, #ARGV, 2 do
  -- A message about an earlier loan, come late, says nothing of the move under way.
  local record = read_record(ARGV[i])
  if record and record[SINCE] == tonumber(ARGV[i + 1]) and call('HDEL', MOVING, ARGV[i]) == 1 then
    call('HDEL', HISTORY, ARGV[i])
    noted = noted + 1
  end
end
return pack(noted)
