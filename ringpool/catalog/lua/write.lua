#!lua
-- Writes chunks of entities' lists of numbers. Repeatable.
--
-- KEYS  the catalog's 8, then
--   9…    the lists: hashes of chunk index → numbers, with blanks
-- ARGV
--   1     token of the writer
--   2…    of each list: how many chunks follow, their fields and values in turns; "" removes the field
-- Reply, packed: 1 written, 0 the writer has lost the lock.
--@include catalog_keys
if not have_lock(ARGV[1]) then return pack(0) end
local i = 2
for list = 9, #KEYS do
  local last = i + 2 * tonumber(ARGV[i] or 0)
  for n = i + 1, last, 2 do
    if ARGV[n + 1] == '' then
      call('HDEL', KEYS[list], ARGV[n])
    else
      call('HSET', KEYS[list], ARGV[n], ARGV[n + 1])
    end
  end
  i = last + 1
end
return pack(1)
