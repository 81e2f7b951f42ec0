#!lua flags=no-writes
-- Reads a page of what is remembered of notifications. A field may come on two pages.
--
-- KEYS   1 hash    all that is remembered (ringpool/notifications/memory.py)
-- ARGV   1 string  cursor: "0" for the first page, then the one of the reply before
--        2 int     about how many fields a page has
-- Reply  packed: { cursor of the next page ("0": this was the last), { field, value, … } }
local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
return cmsgpack.pack({ page[1], page[2] })
