#!lua
-- Notes that numbers have arrived at their pool: they are lent from now on, their history with them.
-- One that was taken out of the stock while under way stays *moving* until its pool drains it too:
-- the pool is told, and then this again.
--
-- KEYS  the stock's. ARGV 1 now · 2 "1" when the pool drains those that leave · 3… number and the
--       loan (ms) by which it went, by turns.
-- Reply packed: array of the numbers that must be drained at their pool first.
--@include stock_keys
local leaving = {}
for i = 3, #ARGV, 2 do
  -- A message about an earlier loan, come late, says nothing of the move under way.
  local record = read_record(ARGV[i])
  if record and record[SINCE] == tonumber(ARGV[i + 1]) then
    if record[LEAVING] == 1 and ARGV[2] ~= '1' then
      leaving[#leaving + 1] = ARGV[i]
    elseif call('HDEL', MOVING, ARGV[i]) == 1 then
      call('HDEL', HISTORY, ARGV[i])
    end
  end
end
return pack(leaving)
