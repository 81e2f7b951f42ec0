#!lua
-- Closes a pool for good, so that no script works on it (include/pool_state.lua), or opens it again.
-- Repeatable.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int   1 to close it, 0 to open it again
-- Reply  packed: 1
--@include pool_keys
local from, to = 'rules', 'closed_rules'
if ARGV[1] == '0' then from, to = to, from end
local rules = call('HGET', META, from)
if rules then
  call('HSET', META, to, rules)
  call('HDEL', META, from)
end
return pack(1)
