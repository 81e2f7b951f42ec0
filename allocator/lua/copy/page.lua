#!lua flags=no-writes
-- Reads a page of a hash, and what other keys have of the same fields: a row is all that belongs
-- together, as it is at one moment. A field may come on two pages. A short list is one page, with places
-- as its fields.
--
-- KEYS   1 the hash, 2… hashes and sorted sets that have something of its fields; all of one slot
-- ARGV   1 cursor ("0" to begin); "": no page, but the fields that are named; "list": it is a list
--        2 about how many fields a page has
--        3… one for each key from the second on: "score", or what it has after the field's name (":f", "")
--        then, where they are named, the fields
-- Reply  packed: { which run of which server answers (a cursor means nothing to another), the next
--        cursor ("0": that was the last page), rows: array of { field, value, then one for each
--        further key: "" where it has nothing } }
local named = #KEYS + 2
local cursor, found = '0', {}
if ARGV[1] == '' then
  for i = named, #ARGV do
    local value = redis.call('HGET', KEYS[1], ARGV[i])
    if value then found[#found + 1], found[#found + 2] = ARGV[i], value end
  end
elseif ARGV[1] == 'list' then
  for place = 0, redis.call('LLEN', KEYS[1]) - 1 do
    found[#found + 1] = string.format('%d', place)
    found[#found + 1] = redis.call('LINDEX', KEYS[1], place)
  end
else
  local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
  cursor, found = page[1], page[2]
end
local rows = {}
for i = 1, #found, 2 do
  local field = found[i]
  local row = { field, found[i + 1] }
  for place = 2, #KEYS do
    local suffix = ARGV[place + 1]
    row[place + 1] = suffix == 'score' and redis.call('ZSCORE', KEYS[place], field)
      or suffix ~= 'score' and redis.call('HGET', KEYS[place], field .. suffix) or ''
  end
  rows[#rows + 1] = row
end
local server = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
return cmsgpack.pack({ server, cursor, rows })
