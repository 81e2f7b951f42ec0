-- Counts what client networks begin (include/pool_budget.lua).

-- One more guarantee ends at a time, which lies after now.
local function add_end(budget, at, now)
  local ends = budget[ENDS]
  local place = #ends
  if place >= EXACT_BYTES then
    local part = math.ceil((at - now) / PARTS)
    at = math.ceil(at / part) * part
  end
  local after, count = place, 1
  while place > 0 do
    local last, many = struct.unpack('>I6I4', ends, place - END_BYTES + 1)
    if last < at then break end
    place = place - END_BYTES
    if last == at then
      count = many + 1
      break
    end
    after = place
  end
  local entry = struct.pack('>I6I4', at, count)
  -- Nearly always it is the last.
  budget[ENDS] = place == #ends and ends .. entry
    or string.sub(ends, 1, place) .. entry .. string.sub(ends, after + 1)
  budget[HAS], budget[CHANGED] = budget[HAS] + 1, true
end

-- The network began a guarantee. Returns whether that is to be noted in the number's record.
local function begin_guarantee(network, at, rules, state)
  local budget, now = budgets[network], state[CLOCK]
  if not budget then
    if network == UNKNOWN then
      state[UNKNOWN_TOTAL], state[LAST_UNKNOWN] = state[UNKNOWN_TOTAL] + 1, now
    end
    return false
  end
  local step = step_of(network, rules)
  if step > 0 then
    budget[BUSY_UNTIL], budget[CHANGED] = math.max(now, budget[BUSY_UNTIL]) + step, true
  end
  if network == KEYED then return false end
  add_end(budget, at, now)
  return true
end

-- A guarantee that the network began goes on. Of the times that it may count under, all no earlier
-- than `from`, the first goes: what is left is late enough for all others.
local function move_end(network, from, to, now)
  local budget = budgets[network] or read_budget(network, call('HGET', META, network), now)
  local ends = budget[ENDS]
  for place = from > now and 0 or #ends, #ends - 1, END_BYTES do
    local at, count = struct.unpack('>I6I4', ends, place + 1)
    if at >= from then
      local fewer = count > 1 and struct.pack('>I6I4', at, count - 1) or ''
      budget[ENDS] = string.sub(ends, 1, place) .. fewer .. string.sub(ends, place + END_BYTES + 1)
      budget[HAS] = budget[HAS] - 1
      break
    end
  end
  add_end(budget, to, now)
end

-- Saves the state and what has changed of the networks.
local function save_with_budgets(state)
  if ledger then
--@include pool_ledger
  end
  local fields = { 'state', pack(state) }
  for network, budget in pairs(budgets) do
    if budget[CHANGED] then
      fields[#fields + 1] = network
      fields[#fields + 1] = struct.pack('>I6I4', budget[BUSY_UNTIL], budget[HAS]) .. budget[ENDS]
    end
  end
  call('HSET', META, unpack(fields))
end
