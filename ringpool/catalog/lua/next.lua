#!lua
-- Notes how many steps are done and returns the next ones; after the last, removes the plan.
--
-- KEYS  the catalog's 8
-- ARGV
--   1     token of the writer
--   2     how many steps are done by now, or "" to change nothing
--   3     how many steps to return at most; fewer where they are long
-- Reply, packed: { how many are done, how many there are, { a step, … } }; {} no step is left; false
--   the writer has lost the lock.
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
local MAX_BYTES = 262144
local steps, bytes, last = {}, 0, math.min(planned, done + tonumber(ARGV[3]))
while done + #steps < last and bytes < MAX_BYTES do
  local step = call('LINDEX', PLAN, done + #steps)
  steps[#steps + 1] = step
  bytes = bytes + #step
end
return pack({ done, planned, steps })
