-- Puts numbers into the order of recyclable ones: two commands, however many they are.
local function make_all_recyclable(numbers, rules, state)
  local records = call('HMGET', NUMBERS, unpack(numbers))
  local entries = {}
  for i, number in ipairs(numbers) do
    local record = unpack_one(records[i])
    record_cache[number] = record
    entries[2 * i - 1] = order_score(rules, state, record)
    entries[2 * i] = idle_member(number, record)
  end
  call('ZADD', IDLE, unpack(entries))
end

-- Moves up to `most` numbers whose guarantee is over from GUARD, and as many from STALE, to the
-- order of recyclable numbers. Returns how many it moved. `most` is 1000 at most: Lua's stack.
local function promote(rules, state, most)
  local due = call('ZRANGEBYSCORE', GUARD, '-inf', state[CLOCK], 'LIMIT', 0, most)
  local moved = #due
  if moved > 0 then
    make_all_recyclable(due, rules, state)
    call('ZREM', GUARD, unpack(due))
  end
  if state[HAS_STALE] == 1 then
    local members = call('ZPOPMIN', STALE, most)
    local stale = {}
    for i = 1, #members, 2 do stale[#stale + 1] = number_of(members[i]) end
    if stale[1] then make_all_recyclable(stale, rules, state) end
    moved = moved + #stale
    if #stale < most then state[HAS_STALE] = 0 end
  end
  return moved
end
