#!lua
-- Notes that numbers have arrived at their pool: they are lent from now on, their history with
-- them. One that was taken out of the stock while under way stays *moving* until its pool drains it
-- too: the caller drains it there, and then calls this again.
--
-- KEYS   the stock's (include/stock_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 int        1 when the pool drains those that leave, else 0
--        3… two for each number:
--          string     the number
--          int        the loan by which it went, ms
-- Reply  packed: array of the numbers that must be drained at their pool first
--@include stock_keys
local leaving = {}
for i = 3, #ARGV, 2 do
  -- A late message about an earlier loan has no bearing on the move under way.
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
