-- Whether the pool has nothing to give: every number is inside its guarantee, and it can't grow.
-- What its stock has only the stock knows: after an attempt to grow that brought too few the pool
-- counts as unable to, until an attempt succeeds or a number is added.
local function is_exhausted(rules, state)
  if call('EXISTS', FREE, IDLE, STALE) > 0 then return false end
  if call('ZCOUNT', GUARD, '-inf', state[CLOCK]) > 0 then return false end
  return room_to_grow(rules, state) == 0 or state[DRY_UNTIL] > 0
end
