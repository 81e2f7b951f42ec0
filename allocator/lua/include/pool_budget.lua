-- What one client network may have of a pool: a share of its numbers inside guarantees that it
-- began, and a rate of new ones.
--
-- A network is a text without blanks. "": whoever isn't budgeted; UNKNOWN: nor is one whose network
-- nobody knows, but it is counted; KEYED: who has the pool's key, with a rate of its own and no share.
--
-- What a network has is a field of META under its name, read and written with the pool's documents.
-- Big-endian: when what it began lately is made up for (ms, 6 bytes), how many numbers it has (4),
-- then ENDS: for each time at which guarantees that it began end, in order, that time (ms, 6) and how
-- many they are (4). What is over drops out when somebody looks. Past EXACT_BYTES of ENDS times are
-- rounded up by a 64th part of the guarantee at most: so the text stays short, and nothing counts
-- for less long than it is held.
local KEYED, UNKNOWN = 'key', '?'
local BUSY_UNTIL, HAS, ENDS, CHANGED = 1, 2, 3, 4
local MINUTE_MS, EXACT_BYTES, PARTS, END_BYTES = 60000, 320, 64, 10

-- What the networks of this call have, by network; a network that isn't budgeted has none.
local budgets = {}

-- Whether a field of META is one of a network that is on a budget.
local function is_network(field)
  return field == KEYED or string.find(field, '^[%x:.]+/%d+$') ~= nil
end

local function read_budget(network, packed, now)
  local budget = { 0, 0, '', false }
  budgets[network] = budget
  if not packed then return budget end
  local busy_until, has = struct.unpack('>I6I4', packed)
  local from = END_BYTES + 1
  while has > 0 do
    local at, count = struct.unpack('>I6I4', packed, from)
    if at > now then break end
    has, from = has - count, from + END_BYTES
  end
  budget[BUSY_UNTIL], budget[HAS], budget[ENDS] = busy_until, has, string.sub(packed, from)
  return budget
end

-- The time that one new guarantee takes up of a network's rate, ms; 0: none.
local function step_of(network, rules)
  local rate = network == KEYED and (rules[KEY_RATE] or 0) or rules[RATE] or 60
  return rate > 0 and math.floor(MINUTE_MS / rate) or 0
end

-- Whether the network may begin no further guarantee. `awaited`: how many more it has been told to
-- wait for in this call.
local function is_over_budget(network, awaited, rules, state)
  local budget = budgets[network]
  if not budget then return false end
  local step = step_of(network, rules)
  -- A minute's worth may come at once.
  if step > 0 and math.max(0, budget[BUSY_UNTIL] - state[CLOCK]) + (awaited + 1) * step > MINUTE_MS then
    return true
  end
  local has, share = budget[HAS] + awaited, rules[SHARE] or 20
  if network == KEYED or share == 0 or has < (rules[LEAST] or 5) then return false end
  return has >= math.floor(state[SIZE] * share / 100)
end
