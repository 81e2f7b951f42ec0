#!lua flags=no-writes
-- A page of the fields of a hash, in no order; one may come twice while the hash changes.
--
-- KEYS   1 hash
-- ARGV   1 string     cursor ("0" to begin)
--        2 int        about how many
-- Reply  packed { next cursor ("0": that was the last page), array of fields }; none of another kind of
--        key
local page = redis.pcall('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
if page.err then return cmsgpack.pack({ '0', {} }) end
local fields = {}
for i = 1, #page[2], 2 do
  if not string.find(page[2][i], '[\128-\255]') then fields[#fields + 1] = page[2][i] end
end
return cmsgpack.pack({ page[1], fields })
