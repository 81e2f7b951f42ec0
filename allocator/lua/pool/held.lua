#!lua flags=no-writes
-- Which numbers tuples hold, for a store that is to write nothing. No click is counted.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2… string    the tuples
-- Reply  packed: false when there is no such pool, else { clock ms, for each tuple { code, number,
--        guaranteed_until ms }, for how long activity holds a number, ms }, code 2 held or 5 none, as
--        pool/allocate has them
--@include pool_keys
--@include pool_state
--@include pool_record
local HELD, NONE = 2, 5

local rules, state = open_pool(ARGV[1])
if not rules then return pack(false) end
local answers = {}
for i = 2, #ARGV do
  local number = call('HGET', TUPLES, ARGV[i])
  local record = number and read_record(number)
  if record and (record[LEAVING] == 0 or record[UNTIL] > state[CLOCK]) then
    answers[i - 1] = { HELD, number, record[UNTIL] }
  else
    answers[i - 1] = { NONE, '', 0 }
  end
end
return pack({ state[CLOCK], answers, rules[HOLD] })
