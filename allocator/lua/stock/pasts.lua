#!lua flags=no-writes
-- What is known of numbers that are in the stock and that somebody had before.
--
-- KEYS   the stock's (include/stock_keys.lua)
-- ARGV   numbers
-- Reply  packed: array with, for each of those, { number, "", when its last assignment ended ms, packed
--        history }
--@include stock_keys
local reply = {}
for i = 1, #ARGV do
  local record, history = read_record(ARGV[i]), call('HGET', HISTORY, ARGV[i])
  if record and record[POOL] == '' and history then
    reply[#reply + 1] = { ARGV[i], '', record[SINCE], history }
  end
end
return pack(reply)
