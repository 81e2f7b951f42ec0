-- What audits of a page have in common. ARGV 2 int, 1: mend what is found; 3 part; 4 cursor ("0" to
-- begin); 5 about how many entries. They reply what `found` has, where to go on (`following`), and how
-- many entries they looked at.
local repair, part, cursor, most = ARGV[2] == '1', ARGV[3], ARGV[4], tonumber(ARGV[5])
local found, following, looked_at = {}, '0', 0

local function note(number, what)
  -- Whatever is in a broken store, the reply is text.
  found[#found + 1] = { (string.gsub(number, '[\128-\255]', '?')), what, repair and 1 or 0 }
  return repair
end

-- Looks at the kind of a key by a command that only it answers.
local function audit_kind(key, command)
  local reply = redis.pcall(command, key)
  if type(reply) ~= 'table' then return true end
  local mended = note('', 'another kind of key is where its ' .. string.match(key, '[^:]*$') .. ' should be')
  if mended then call('UNLINK', key) end
  return mended
end

local function is_number(text)
  return string.find(text, '^%+%d+$')
end

-- Goes through a page of a hash.
local function each_field(key, look_at)
  local page = call('HSCAN', key, cursor, 'COUNT', most)
  following, looked_at = page[1], #page[2] / 2
  for i = 1, #page[2], 2 do look_at(page[2][i], page[2][i + 1]) end
end

-- The number of a member of SHELVES, which begins with the area and a time.
local function number_on_shelf(member)
  return string.match(member, '^[^:]*:%x%x%x%x%x%x%x%x%x%x%x(.*)$') or member
end
