#!lua
-- Replaces a value of a hash, or the entries of a short list that are so, unless it is another by now.
-- Repeatable.
--
-- KEYS   1 the hash or list
-- ARGV   1 string  the field; "": it is a list
--        2 string  the value as it was
--        3 string  the value in its place
-- Reply  packed: 1, or 0: there is no such value any more
local key, field, before, after = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local found = 0
if field ~= '' then
  if redis.call('HGET', key, field) == before then
    redis.call('HSET', key, field, after)
    found = 1
  end
  return cmsgpack.pack(found)
end
local entries = {}
for place = 1, redis.call('LLEN', key) do
  local entry = redis.call('LINDEX', key, place - 1)
  if entry == before then entry, found = after, 1 end
  entries[place] = entry
end
if found == 1 then
  -- The key stays, and so does the time at which it is forgotten.
  redis.call('RPUSH', key, unpack(entries))
  redis.call('LTRIM', key, #entries, -1)
end
return cmsgpack.pack(found)
