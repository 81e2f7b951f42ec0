#!lua flags=no-writes
-- Who owns a number, and who held it at a time before it left its last pool.
--
-- KEYS  the catalog's 7
-- ARGV
--   1     number
--   2     time (ms)
-- Reply, packed: { owner ("": nobody), holding }; the holding has the fields of allocator's
--   holder.lua and is {} if nobody held the number then.
--@include catalog_keys
local at, holding = tonumber(ARGV[2]), {}
local history = call('HGET', HISTORIES, ARGV[1])
if history then
  for _, entry in ipairs({ unpack_one(string.sub(history, 3)) }) do
    if entry[3] <= at and at < entry[4] then holding = entry end
  end
end
return pack({ call('HGET', OWNERS, ARGV[1]) or '', holding })
