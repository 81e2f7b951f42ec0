-- What is on the shelves of a pool that goes by areas. `areas`: those that an ask wants, blanks
-- between, the best first; "": the shelf of general numbers.
local LOOKED_AT = 100

-- What members of each shelf begin with.
local function shelves_of(areas)
  local shelves = {}
  for area in string.gmatch(areas, '%S+') do shelves[#shelves + 1] = area .. ':' end
  if not shelves[1] then shelves[1] = ':' end
  return shelves
end

-- The first unassigned number; nil when there is none.
local function unassigned_on(areas)
  for _, shelf in ipairs(shelves_of(areas)) do
    local member = call('ZRANGEBYLEX', SHELVES, '[' .. shelf .. '00000000000',
      '(' .. shelf .. '00000000001', 'LIMIT', 0, 1)[1]
    if member then return string.sub(member, #shelf + 12) end
  end
  return nil
end

-- The number whose guarantee is over that the pool's rule gives next, and its record; nil when all
-- are inside their guarantee. Of each shelf it is chosen from the first 100 that are due: those
-- longest due or, where the latest assignment goes first, those due last. It is in its order still.
local function best_due_on(areas, rules, state)
  local command, from, to = 'ZRANGEBYLEX', '[%s00000000001', '(%s' .. string.format('%011x', state[CLOCK] + 1)
  if rules[RULE] == 'last_in_first_out' then command, from, to = 'ZREVRANGEBYLEX', to, from end
  local numbers = {}
  for _, shelf in ipairs(shelves_of(areas)) do
    local due = call(command, SHELVES, string.format(from, shelf), string.format(to, shelf),
      'LIMIT', 0, LOOKED_AT)
    for _, member in ipairs(due) do numbers[#numbers + 1] = string.sub(member, #shelf + 12) end
  end
  if not numbers[1] then return nil end
  local best, best_record, best_score, best_member
  for i, packed in ipairs(call('HMGET', NUMBERS, unpack(numbers))) do
    local record = unpack_one(packed)
    local score, member = order_score(rules, state, record), idle_member(numbers[i], record)
    if not best or score < best_score or (score == best_score and member < best_member) then
      best, best_record, best_score, best_member = numbers[i], record, score, member
    end
  end
  return best, best_record
end

-- Those of the areas that the stock may be asked for.
local function of_stock(areas, rules)
  local kind = rules[OF_STOCK] or ''
  if kind == '' then return areas end
  local found = {}
  for area in string.gmatch(areas, '%S+') do
    if string.find(kind, ' ' .. area .. ' ', 1, true) then found[#found + 1] = area end
  end
  return table.concat(found, ' ')
end

-- Whether the stock may have a number of one of these areas: it was not found to have none of each
-- within the last second.
local function stock_may_have(areas, state)
  local fields = {}
  for area in string.gmatch(areas, '%S+') do fields[#fields + 1] = 'dry:' .. area end
  for _, dry in ipairs(call('HMGET', META, unpack(fields))) do
    if not dry or state[CLOCK] >= tonumber(dry) then return true end
  end
  return false
end
