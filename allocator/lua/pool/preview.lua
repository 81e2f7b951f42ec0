#!lua flags=no-writes
-- What pool/allocate would answer to one ask now. Changes nothing.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 string     the tuple
--        3 string     areas and
--        4 string     the client's network, as pool/allocate takes them
-- Reply  packed: false when there is no such pool, else { clock ms, stock id, could grow (1 or 0),
--        code, number, guaranteed_until ms, could grow by a number of these areas (1 or 0), starts of
--        the numbers that the stock may be asked for ("": any), those of these areas that it may }, code
--        to guaranteed_until as pool/allocate has them. Where the pool could grow, they are what it
--        would answer if its stock had nothing of the kind.
--@include pool_keys
--@include pool_state
--@include pool_record
--@include pool_renewal
--@include pool_growth
--@include pool_shelves
--@include pool_budget
local NEW, HELD, RECYCLED, OVERFLOW_GIVEN, NONE, OVER_BUDGET = 1, 2, 3, 4, 5, 6
local PROMOTED = 5 -- pool/allocate promotes 4 + one an ask

local network = ARGV[4]
local rules, state, documents = open_pool(ARGV[1], { network })
if not rules then return pack(false) end
local now = state[CLOCK]
if network ~= '' and network ~= UNKNOWN then read_budget(network, documents[3], now) end

local local_growth, wanted = 0, of_stock(ARGV[3], rules)

local function reply(grows, code, number, guaranteed_until)
  return pack({ now, rules[STOCK], grows, code, number, guaranteed_until, local_growth,
    rules[OF_STOCK] or '', wanted })
end

local number = call('HGET', TUPLES, ARGV[2])
if number then
  local record = read_record(number)
  if record[LEAVING] == 0 or record[UNTIL] > now then
    local ends = record[UNTIL]
    if is_to_renew(record, 1, rules, now)
      and not (ends <= now and is_over_budget(network, 0, rules, state)) then
      ends = now + rules[HOLD]
    end
    return reply(0, HELD, number, ends)
  end
end

if is_over_budget(network, 0, rules, state) then return reply(0, OVER_BUDGET, '', 0) end

local assigned_until = now + math.max(rules[MIN_DURATION], rules[HOLD])
local by_area, areas = (rules[AREAS] or '') ~= '', ARGV[3]
local could_grow = room_to_grow(rules, state) > 0 and now >= state[DRY_UNTIL]
if by_area and areas ~= '' then
  number = unassigned_on(areas)
  if number then return reply(0, NEW, number, assigned_until) end
  if could_grow and wanted ~= '' and stock_may_have(wanted, state) then local_growth = 1 end
  number = best_due_on(areas, rules, state)
  if number then return reply(0, RECYCLED, number, assigned_until) end
end
number = by_area and unassigned_on('') or call('ZRANGE', FREE, 0, 0)[1]
if number then return reply(0, NEW, number, assigned_until) end
local grows = could_grow and 1 or 0
if by_area then
  number = best_due_on('', rules, state)
  if number then return reply(grows, RECYCLED, number, assigned_until) end
end

-- The recyclable number that would be best once those that are due were promoted.
local best = call('ZRANGE', IDLE, 0, 0, 'WITHSCORES')
local member, score = best[1], tonumber(best[2])
local function consider(candidate)
  local record = read_record(candidate)
  local its_score, its_member = order_score(rules, state, record), idle_member(candidate, record)
  if not member or its_score < score or (its_score == score and its_member < member) then
    member, score = its_member, its_score
  end
end
for _, due in ipairs(call('ZRANGEBYSCORE', GUARD, '-inf', now, 'LIMIT', 0, PROMOTED)) do
  consider(due)
end
if state[HAS_STALE] == 1 then
  for _, stale in ipairs(call('ZRANGE', STALE, 0, PROMOTED - 1)) do consider(number_of(stale)) end
end
if member then return reply(grows, RECYCLED, number_of(member), assigned_until) end
if rules[ALLOW_OVERFLOW] == 1 then return reply(grows, OVERFLOW_GIVEN, rules[OVERFLOW_NUMBER], 0) end
return reply(grows, NONE, '', 0)
