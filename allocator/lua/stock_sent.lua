#!lua
-- Notes that numbers have arrived at their pool: they are lent from now on, their history with them.
--
-- KEYS  the stock's. ARGV 1 now · 2… numbers.
-- Reply packed: how many were on their way.
--@include stock_keys
local noted = 0
for i = 2, #ARGV do
  if call('HDEL', MOVING, ARGV[i]) == 1 then
    call('HDEL', HISTORY, ARGV[i])
    noted = noted + 1
  end
end
return pack(noted)
