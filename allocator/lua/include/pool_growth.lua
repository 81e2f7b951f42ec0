-- How many numbers the pool may take from its stock; a pool without limit may take 1000 at once.
local function room_to_grow(rules, state)
  if rules[STOCK] == '' then return 0 end
  if rules[MAX_SIZE] == 0 then return 1000 end
  return math.max(0, rules[MAX_SIZE] - state[SIZE])
end
