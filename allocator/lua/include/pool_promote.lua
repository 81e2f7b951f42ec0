-- Moves up to `most` numbers whose guarantee is over from GUARD, and as many from STALE, to the
-- order of recyclable numbers. Returns how many it moved.
local function promote(rules, state, most)
  local due = call('ZRANGEBYSCORE', GUARD, '-inf', state[CLOCK], 'LIMIT', 0, most)
  for _, number in ipairs(due) do
    make_recyclable(number, read_record(number), rules, state)
    call('ZREM', GUARD, number)
  end
  local moved = #due
  if state[HAS_STALE] == 1 then
    local members = call('ZPOPMIN', STALE, most)
    for i = 1, #members, 2 do
      local number = number_of(members[i])
      make_recyclable(number, read_record(number), rules, state)
    end
    moved = moved + #members / 2
    if #members < 2 * most then state[HAS_STALE] = 0 end
  end
  return moved
end
