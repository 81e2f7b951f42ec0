#!lua
-- Writes numbers into a stock with all that belongs to each. Repeatable.
--
-- KEYS   the stock's (include/stock_keys.lua)
-- ARGV   five for each number:
--          string     the number
--          packed     its record
--          string     when its quarantine ends (ms), "" while it is elsewhere
--          string     packed move (MOVING), "" for none
--          string     packed former holders, "" for none
-- Reply  packed: 1
--@include stock_keys
for i = 1, #ARGV, 5 do
  local number = ARGV[i]
  call('HSET', NUMBERS, number, ARGV[i + 1])
  if ARGV[i + 2] ~= '' then
    make_available(number, unpack_one(ARGV[i + 1]), tonumber(ARGV[i + 2]))
  end
  if ARGV[i + 3] ~= '' then call('HSET', MOVING, number, ARGV[i + 3]) end
  if ARGV[i + 4] ~= '' then call('HSET', HISTORY, number, ARGV[i + 4]) end
end
return pack(1)
