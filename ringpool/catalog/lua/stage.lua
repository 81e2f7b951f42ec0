#!lua
-- Writes steps of a plan that isn't in force yet. What a dead writer staged is dropped.
--
-- KEYS  the catalog's. ARGV 1 token · 2 how many steps are staged already · 3… steps as JSON.
-- Reply packed: 1 done, 0 the lock was lost.
--@include catalog_keys
if not have_lock(ARGV[1]) then return pack(0) end
if counter('planned') > 0 then return redis.error_reply('ERR a plan is under way') end
if ARGV[2] == '0' then call('DEL', PLAN) end
if call('LLEN', PLAN) ~= tonumber(ARGV[2]) then
  -- The answer to this very call got lost, and it is being repeated.
  call('LTRIM', PLAN, 0, tonumber(ARGV[2]) - 1)
end
for i = 3, #ARGV do call('RPUSH', PLAN, ARGV[i]) end
return pack(1)
