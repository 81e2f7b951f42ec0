#!lua flags=no-writes
-- Who owns a number, and who held it at a time, as far as its history lies here.
--
-- KEYS  the catalog's. ARGV 1 number · 2 at ms.
-- Reply packed: { owner (""), holding }, holding as in holder.lua ({}: nobody).
--@include catalog_keys
local at, holding = tonumber(ARGV[2]), {}
local history = call('HGET', HISTORIES, ARGV[1])
if history then
  for _, entry in ipairs({ unpack_one(string.sub(history, 3)) }) do
    if entry[3] <= at and at < entry[4] then holding = entry end
  end
end
return pack({ call('HGET', OWNERS, ARGV[1]) or '', holding })
