#!lua
-- Notes that steps are done and hands out the next one; after the last, the plan is gone.
--
-- KEYS  the catalog's. ARGV 1 token · 2 steps done by now ("": just asking).
-- Reply packed: false the lock was lost, else { place of the next step, step }, {} no step is left.
--@include catalog_keys
if not have_lock(ARGV[1]) then return pack(false) end
local planned = counter('planned')
if planned == 0 then return pack({}) end
local done = math.max(counter('done'), tonumber(ARGV[2]) or 0)
if done >= planned then
  call('UNLINK', PLAN)
  call('HDEL', STATE, 'planned', 'done')
  return pack({})
end
call('HSET', STATE, 'done', done)
return pack({ done, call('LINDEX', PLAN, done) })
