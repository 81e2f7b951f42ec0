#!lua
-- Puts numbers right that an audit found: in the pool, by the loan that they should be here by. One
-- that isn't here may have been promised, so nobody gets it for as long as a guarantee. Repeatable.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2… two for each number:
--          string     the number
--          string     the loan ("": the pool's own)
-- Reply  packed: false when there is no such pool, else 1
--@include pool_keys
--@include pool_state
--@include pool_record
--@include areas
--@include pool_promised
local rules, state = open_pool(ARGV[1])
if not rules then return pack(false) end
for i = 2, #ARGV, 2 do
  local number, loan = ARGV[i], ARGV[i + 1]
  local record = read_record(number)
  if record then
    record[LENT_BY] = loan
    write_record(number, record)
  else
    local ends = state[CLOCK] + math.max(rules[MIN_DURATION], rules[HOLD])
    promise(number, nobody(number), ends, loan, rules, state)
  end
end
save_state(state)
return pack(1)
