#!lua flags=no-writes
-- A page of the fields of a hash, in no order; one may come twice while the hash changes.
--
-- KEYS   1 hash
-- ARGV   1 string     cursor ("0" to begin)
--        2 int        about how many
-- Reply  packed { next cursor ("0": that was the last page), array of fields }
local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local fields = {}
for i = 1, #page[2], 2 do fields[#fields + 1] = page[2][i] end
return cmsgpack.pack({ page[1], fields })
