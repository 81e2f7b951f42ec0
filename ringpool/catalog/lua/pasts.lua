#!lua flags=no-writes
-- What is known of numbers that have left their last owner.
--
-- KEYS  the catalog's 8
-- ARGV  numbers
-- Reply, packed: an array with, for each of them that somebody had, { number, "", left at ms, packed
--   former holders }.
--@include catalog_keys
--@include departed
local reply = {}
for i = 1, #ARGV do
  local history = call('HGET', HISTORIES, ARGV[i])
  if history then
    local left = left_at(tonumber(call('ZSCORE', DEPARTED, ARGV[i]) or 0))
    reply[#reply + 1] = { ARGV[i], '', left, history }
  end
end
return pack(reply)
