#!lua
-- Credits an inbound call to who held the number when it started, once an id. Ids are remembered
-- for 30 days.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 string     call id
--        3 string     number
--        4 int        started at, ms (0: now)
--        5 int        1 when the number is the pool's overflow number, else 0
-- Reply  packed: false when there is no such pool, 0 when the number was never in it, else {
--        counted, overflow, holder, number }: counted 1, or 0 when the id was before, which gets
--        the first one's answer, its number included; overflow as in ARGV 5; holder an entry of
--        include/history.lua with until 0 while it holds, {} when nobody held it
--@include pool_keys
--@include pool_state
--@include pool_record
--@include pool_holder
--@include history
--@include pool_series
local NEVER_HERE, IDS_KEPT_MS = 0, 2592000000

local rules, state = open_pool(ARGV[1])
if not rules then return pack(false) end
local now, id, number = state[CLOCK], ARGV[2], ARGV[3]
local known = call('HGET', CALLS, id)
if known then
  local reply = unpack_one(known)
  reply[1] = 0
  return pack(reply)
end
local at = tonumber(ARGV[4])
if at == 0 or at > now then at = now end

-- Counts the call for a former holder, inside the history.
local function credit_former()
  local history = call('HGET', HISTORY, number)
  local entry, entries = find_holder(history, at)
  if entry then
    entry[ENTRY_CALLS] = entry[ENTRY_CALLS] + 1
    call('HSET', HISTORY, number, string.sub(history, 1, 2) .. pack(unpack(entries)))
  end
  return entry
end

local holder = {}
if ARGV[5] == '1' then
  state[OVERFLOW_CALLS] = state[OVERFLOW_CALLS] + 1
else
  local record = read_record(number)
  if record and record[SINCE] > 0 and at >= record[SINCE] then
    local was_queued = record[UNTIL] <= now and leave_order(number, record, state) or 0
    add_activity(record, rules[CALL_WEIGHT], at, rules)
    record[CALLED] = record[CALLED] + 1
    if was_queued == 1 then make_recyclable(number, record, rules, state) end
    write_record(number, record)
    holder = present_holder(number, record, rules)
  else
    holder = credit_former()
    if not holder and not record then return pack(NEVER_HERE) end
  end
  if now >= state[MINUTE_ENDS] then series_tools().begin_minute(state) end
  state[CALLS_TOTAL] = state[CALLS_TOTAL] + 1
end
local reply = pack({ 1, tonumber(ARGV[5]), holder or {}, number })
call('HSET', CALLS, id, reply)
call('ZADD', CALLS_BY_TIME, now, id)
for _, old in ipairs(call('ZRANGEBYSCORE', CALLS_BY_TIME, '-inf', now - IDS_KEPT_MS, 'LIMIT', 0, 10)) do
  call('HDEL', CALLS, old)
  call('ZREM', CALLS_BY_TIME, old)
end
save_state(state)
return reply
