-- What the pool refused lately: REFUSALS has the newest last, 50 at most, none of them 7 days old. It has
-- one a second of each reason; how many came between is the difference of their totals. An entry:
-- 1 when ms, 2 tuple (cut off after 256 bytes, with "…" then), 3 client network as the ask has it
-- (include/pool_budget.lua), 4 why: 1 every number is held, 2 the network's budget is used up, 5 size of
-- the pool, 6 when its first guarantee ends ms (0: none does), 7 why it doesn't grow: 0 it has no stock,
-- 1 it is at its max_size, 2 its stock had none, 8 refusals for this reason so far, 9 how many numbers
-- the network has of the pool by its budget
local REFUSALS_KEPT, REFUSALS_KEPT_MS, LONGEST_SHOWN = 50, 604800000, 256
local ALL_HELD, BUDGET_USED = 1, 2
local REFUSED_AT, REFUSED_TUPLE, REFUSED_WHY = 1, 2, 4

-- Notes a refusal, unless one of its reason and second is there. One function: each costs every call.
local function note_refusal(why, tuple, network, rules, state)
  local now, budget = state[CLOCK], budgets[network]
  for place = -1, -2, -1 do
    local packed = call('LINDEX', REFUSALS, place)
    local entry = packed and unpack_one(packed)
    if entry and entry[REFUSED_WHY] == why
      and math.floor(entry[REFUSED_AT] / 1000) == math.floor(now / 1000) then
      return
    end
  end
  if #tuple > LONGEST_SHOWN then
    local last = LONGEST_SHOWN
    -- Not within a character of UTF-8.
    while math.floor(string.byte(tuple, last + 1) / 64) == 2 do last = last - 1 end
    tuple = string.sub(tuple, 1, last) .. '\226\128\166'
  end
  local growth = rules[STOCK] == '' and 0 or room_to_grow(rules, state) == 0 and 1 or 2
  call('RPUSH', REFUSALS, pack({ now, tuple, network, why, state[SIZE],
    tonumber(call('ZRANGE', GUARD, 0, 0, 'WITHSCORES')[2] or 0), growth,
    why == BUDGET_USED and state[REFUSED_TOTAL] or state[OVERFLOW_TOTAL], budget and budget[HAS] or 0 }))
  call('LTRIM', REFUSALS, -REFUSALS_KEPT, -1)
  while unpack_one(call('LINDEX', REFUSALS, 0))[REFUSED_AT] + REFUSALS_KEPT_MS <= now do
    call('LTRIM', REFUSALS, 1, -1)
  end
  call('PEXPIRE', REFUSALS, REFUSALS_KEPT_MS)
end
