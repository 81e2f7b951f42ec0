#!lua
-- Makes an entity the owner of numbers, or notes that they are leaving it. Repeatable.
--
-- KEYS  the catalog's. ARGV 1 token · 2 owner · 3 "" or "/leaving" · 4… numbers.
-- Reply packed: 1 done, 0 the lock was lost.
--@include catalog_keys
if not have_lock(ARGV[1]) then return pack(0) end
for i = 4, #ARGV do
  -- A step that is repeated must not take back a number that has left meanwhile.
  if ARGV[3] == '' or call('HEXISTS', OWNERS, ARGV[i]) == 1 then
    call('HSET', OWNERS, ARGV[i], ARGV[2] .. ARGV[3])
  end
end
return pack(1)
