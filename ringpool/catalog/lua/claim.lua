#!lua
-- Makes entities the owners of numbers, or marks numbers as leaving theirs. Repeatable.
--
-- KEYS  the catalog's 8
-- ARGV
--   1     token of the writer
--   2…    of each entity: "pool/<id>" or "stock/<id>", "" to own or "/leaving" to mark, how many
--         numbers follow, the numbers
-- Reply, packed: 1 done, 0 the writer has lost the lock.
--@include catalog_keys
if not have_lock(ARGV[1]) then return pack(0) end
local i = 2
while i < #ARGV do
  local owner, mark, last = ARGV[i], ARGV[i + 1], i + 2 + tonumber(ARGV[i + 2])
  for n = i + 3, last do
    -- A repeated step must not give a number back that has left in the meantime.
    if mark == '' or call('HEXISTS', OWNERS, ARGV[n]) == 1 then
      call('HSET', OWNERS, ARGV[n], owner .. mark)
    end
  end
  i = last + 1
end
return pack(1)
