-- A number's record. 1 tuple, 2 assigned_at ms (0: unassigned), 3 guaranteed_until ms, 4 last
-- activity ms, 5 clicks and 6 calls since assigned_at, 7 serial of the assignment, 8 leaving (1:
-- drains, given to no other tuple), 9 released (1: its visitor left), 10 the loan by which a stock's
-- number is here ("stock id@loan ms"; "": the pool's own), 11 its area (include/areas.lua; "": it is
-- general), where the pool goes by areas, 12 the budgeted network that began its guarantee (absent
-- or false: none did; include/pool_budget.lua), 13 last click ms (absent or false: unknown), 14 its
-- activity since assigned_at, as it was at the last (absent in a record of before activity faded)
local TUPLE, SINCE, UNTIL, LAST, CLICKED, CALLED, SERIAL, LEAVING, RELEASED, LENT_BY, AREA, NETWORK, LAST_CLICK, ACTIVITY =
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14

-- Records by number that promotion has read in this call, as long as nobody writes them: the number
-- that is recycled next is nearly always one of them.
local record_cache = {}

-- The record of a number that nobody has. `loan`: by which it is here; `area`: its area, or nil.
local function unassigned_record(loan, area)
  return { '', 0, 0, 0, 0, 0, 0, 0, 0, loan, area }
end

local function read_record(number)
  if record_cache[number] then return record_cache[number] end
  local packed = call('HGET', NUMBERS, number)
  return packed and unpack_one(packed)
end

local function write_record(number, record)
  record_cache[number] = nil
  -- nil in between would have it packed as a map.
  if record[ACTIVITY] and record[LAST_CLICK] == nil then record[LAST_CLICK] = false end
  if record[LAST_CLICK] ~= nil and record[NETWORK] == nil then record[NETWORK] = false end
  if record[NETWORK] ~= nil and record[AREA] == nil then record[AREA] = false end
  call('HSET', NUMBERS, number, pack(record))
end

-- A recyclable number's member in IDLE: the scores there are the rule's, and equal scores are
-- ordered by the member's bytes, so it starts with the time of its last activity: longest idle
-- first. A released one counts as idle for ever.
local function idle_member(number, record)
  return string.format('%011x', record[RELEASED] == 1 and 0 or record[LAST]) .. number
end

local function number_of(member)
  return string.sub(member, 12)
end

-- Lowest score goes first. Which of two numbers is more active never changes while time goes on, as
-- both fade alike: for least_active and most_active the score is the moment (ms) at which one event
-- of weight 1 would count as much as all of the number's do (forward decay: Cormode, Shkapenyuk,
-- Srivastava, Xu 2009, https://doi.org/10.1109/ICDE.2009.65). weighted_random picks with probability
-- in proportion to 1 / (1 + activity left): each number draws key = virtual time + (1 + activity) *
-- Exp(1), the lowest goes and its key becomes the virtual time (exponential keys: Efraimidis and
-- Spirakis 2006, https://doi.org/10.1016/j.ipl.2005.11.003; that a late comer may draw from now on is
-- the exponential's lack of memory). The draw is a hash of a counter, so that a simulation repeats.
-- A number whose visitor left, and that nobody has called, counts a quarter: as if it had been active two
-- half-lives before. Pages tell of nearly every visitor who leaves, so with nothing at all left of it any
-- number that was called would be parked behind all those for ever.
-- A record of before activity faded has counts alone: it's taken that all came with the last.
local function order_score(rules, state, record)
  local rule = rules[RULE]
  if rule == 'round_robin' then return record[SERIAL] end
  if rule == 'last_in_first_out' then return -record[SERIAL] end
  local activity = record[ACTIVITY] or record[CALLED] * rules[CALL_WEIGHT] + record[CLICKED] * rules[CLICK_WEIGHT]
  if record[RELEASED] == 1 and record[CALLED] == 0 then activity = activity / 4 end
  local half_life = rules[HALF_LIFE] or rules[MIN_DURATION]
  if rule == 'weighted_random' then
    state[DRAWS] = state[DRAWS] + 1
    local digest = redis.sha1hex(rules[POOL_ID] .. ':' .. string.format('%d', state[DRAWS]))
    local uniform = (tonumber(string.sub(digest, 1, 13), 16) + 0.5) / 4503599627370496
    local left = activity * 2 ^ ((record[LAST] - state[CLOCK]) / half_life)
    return state[VIRTUAL] - math.log(uniform) * (1 + left)
  end
  local moment = activity > 0 and record[LAST] + half_life * math.log(activity) / 0.6931471805599453 or -1e300
  return rule == 'most_active' and -moment or moment
end

local function make_recyclable(number, record, rules, state)
  call('ZADD', IDLE, order_score(rules, state, record), idle_member(number, record))
end

-- Takes a number out of the order, wherever it is there. 0 when it wasn't: its guarantee is
-- over but nobody has promoted it from GUARD yet.
local function leave_order(number, record, state)
  local member = idle_member(number, record)
  local found = call('ZREM', IDLE, member)
  if found == 0 and state[HAS_STALE] == 1 then found = call('ZREM', STALE, member) end
  return found
end

-- Where the pool goes by areas, every number that isn't leaving is on the shelf of its area. The
-- member in SHELVES begins with the area and goes on with the end of the guarantee, so on a shelf
-- unassigned numbers come first, then those whose guarantee is over, the longest due first.
local function shelf_member(number, record)
  return record[AREA] .. ':' .. string.format('%011x', record[UNTIL]) .. number
end

local function shelve(number, record)
  if record[AREA] then call('ZADD', SHELVES, 0, shelf_member(number, record)) end
end

local function unshelve(number, record)
  if record[AREA] then call('ZREM', SHELVES, shelf_member(number, record)) end
end
