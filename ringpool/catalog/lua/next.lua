#!lua
-- Notes how many steps are done and returns the next one; after the last, removes the plan.
--
-- KEYS  the catalog's 8
-- ARGV
--   1     token of the writer
--   2     how many steps are done by now, or "" to change nothing
-- Reply, packed: { index of the next step, the step }; {} no step is left; false the writer has lost
--   the lock.
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
