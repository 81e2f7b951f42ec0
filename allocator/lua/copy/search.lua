#!lua flags=no-writes
-- Finds what of a key contains one of some texts: in a page of a hash, a sorted set or a stream, in all of a
-- list or a string.
--
-- KEYS   1 any
-- ARGV   1 string   cursor ("0" to begin)
--        2 int      about how many entries a page has
--        3… string  texts
-- Reply  packed: { cursor of the next page ("0": that was the last), rows: array of { field, value } that
--        contain one of them. The field of a list's entry is "", of a stream's its id, of a string ""; the
--        value of a sorted set's member is "" }
local key, cursor, most = KEYS[1], ARGV[1], tonumber(ARGV[2])
local rows, following = {}, '0'

local function look(field, value)
  for i = 3, #ARGV do
    if string.find(field, ARGV[i], 1, true) or string.find(value, ARGV[i], 1, true) then
      rows[#rows + 1] = { field, value }
      return
    end
  end
end

-- The reply of a command that only one kind of key answers; nil for another kind.
local function ask(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then return nil end
  return reply
end

local page = ask('HSCAN', key, cursor, 'COUNT', most)
if page then
  following = page[1]
  for i = 1, #page[2], 2 do look(page[2][i], page[2][i + 1]) end
  return cmsgpack.pack({ following, rows })
end
local from = tonumber(cursor) or 0
local members = ask('ZRANGE', key, from, from + most - 1)
if members then
  for _, member in ipairs(members) do look(member, '') end
  if #members == most then following = string.format('%d', from + most) end
  return cmsgpack.pack({ following, rows })
end
local messages = ask('XRANGE', key, cursor == '0' and '-' or '(' .. cursor, '+', 'COUNT', most)
if messages then
  for _, message in ipairs(messages) do look(message[1], message[2][2]) end
  if #messages == most then following = messages[most][1] end
  return cmsgpack.pack({ following, rows })
end
local length = ask('LLEN', key)
if length then
  for place = 0, length - 1 do look('', redis.call('LINDEX', key, place)) end
else
  look('', ask('GET', key) or '')
end
return cmsgpack.pack({ following, rows })
