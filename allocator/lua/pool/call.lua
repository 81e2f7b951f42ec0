#!lua
-- Credits an inbound call to who held the number when it started, once an id.
--
-- KEYS  the pool's. ARGV 1 now · 2 call id · 3 number · 4 started at ms (0: now) · 5 "1" when the
--       number is the pool's overflow number.
-- Reply packed: false when there is no such pool, 0 when the number was never in it, else
--   { counted (1, or 0: this id was before), overflow (1 or 0), holding, number }, where holding is
--   {} or { pool id, tuple, since, until (0: still), guaranteed_until, clicks, calls, first, last }.
--   An id that was before gets the first one's answer, its number included.
-- Ids are remembered for 30 days.
--@include pool_keys
--@include pool_state
--@include pool_record
--@include pool_history
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
  if not history then return nil end
  local entries = { cmsgpack.unpack(string.sub(history, 3)) }
  for _, entry in ipairs(entries) do
    if entry[3] <= at and at < entry[4] then
      entry[7] = entry[7] + 1
      call('HSET', HISTORY, number, string.sub(history, 1, 2) .. pack(unpack(entries)))
      return entry
    end
  end
  return nil
end

local holding = {}
if ARGV[5] == '1' then
  state[OVERFLOW_CALLS] = state[OVERFLOW_CALLS] + 1
else
  local record = read_record(number)
  if record and record[SINCE] > 0 and at >= record[SINCE] then
    local stood = record[UNTIL] <= now and leave_order(number, record, state) or 0
    record[CALLED] = record[CALLED] + 1
    if at > record[LAST] then record[LAST] = at end
    if stood == 1 then make_recyclable(number, record, rules, state) end
    write_record(number, record)
    local clicks = call('HMGET', CLICKS, number .. ':f', number .. ':l')
    holding = { rules[POOL_ID], record[TUPLE], record[SINCE], 0, record[UNTIL], record[CLICKED],
      record[CALLED], clicks[1] or '', clicks[2] or '' }
  else
    holding = credit_former()
    if not holding and not record then return pack(0) end
  end
  state[CALLS_TOTAL] = state[CALLS_TOTAL] + 1
end
local reply = pack({ 1, tonumber(ARGV[5]), holding or {}, number })
call('HSET', CALLS, id, reply)
call('ZADD', CALLS_BY_TIME, now, id)
for _, old in ipairs(call('ZRANGEBYSCORE', CALLS_BY_TIME, '-inf', now - KEPT_MS, 'LIMIT', 0, 10)) do
  call('HDEL', CALLS, old)
  call('ZREM', CALLS_BY_TIME, old)
end
save_state(state)
return reply
