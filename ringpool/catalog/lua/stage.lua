#!lua
-- Writes steps of a plan that isn't in force yet. Those that a dead writer staged are dropped.
--
-- KEYS  the catalog's 8
-- ARGV
--   1     token of the writer
--   2     how many steps are staged already
--   3…    steps, as JSON
-- Reply, packed: 1 done, 0 the writer has lost the lock. An error while a plan is in force.
--@include catalog_keys
if not have_lock(ARGV[1]) then return pack(0) end
if counter('planned') > 0 then return redis.error_reply('ERR a plan is under way') end
if ARGV[2] == '0' then call('DEL', PLAN) end
if call('LLEN', PLAN) ~= tonumber(ARGV[2]) then
  -- The reply to this call was lost, and the call is repeated.
  call('LTRIM', PLAN, 0, tonumber(ARGV[2]) - 1)
end
for i = 3, #ARGV do call('RPUSH', PLAN, ARGV[i]) end
return pack(1)
