#!lua
-- Takes what was told of an inbound call. The call counts once, for who held the number when it
-- began, by the first that tells of it; each event of it is noted once. What an event of it tells
-- later of its beginning moves nothing any more. An outcome alone doesn't count: it doesn't tell when
-- the call was.
--
-- Ids are remembered for 30 days, the latest 100,000 of the pool at most. A call of which something is
-- told after that counts again.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 string     call id
--        3 string     number
--        4 int        started at, ms (0: now)
--        5 int        1 when the number is the pool's overflow number, else 0
--        6 int        what is told: 1 started, 2 answered, 4 ended, 8 missed, 16 outcome
--        7 string     the event (JSON), for the ledger; "": it isn't noted there
-- Reply  packed: false when there is no such pool, 0 when the number was never in it, else {
--        counted, overflow, holder, number, noted, resting }: counted 1, or 0 when the id was before,
--        which gets the first one's answer, its number included; overflow as in ARGV 5; holder an
--        entry of include/history.lua with until 0 while it holds, {} when nobody held it; noted 1,
--        or 0 when this event was before; resting "quarantine" for a number that has just left
--@include pool_keys
--@include pool_state
--@include pool_record
--@include pool_activity
--@include pool_holder
--@include history
--@include pool_series
local NEVER_HERE, IDS_KEPT_MS, IDS_KEPT, OUTCOME, HANDED_ON = 0, 2592000000, 100000, 16, 4
-- What is kept of an id: 1 whether the call has counted (1 or 0), 2 overflow, 3 holder, 4 number, 5
-- the sum of what was told of it (absent in one of before there were events), 6 resting
local COUNTED, EVENTS = 1, 5

local rules, state = open_pool(ARGV[1])
if not rules then return pack(false) end
local now, id, number, event = state[CLOCK], ARGV[2], ARGV[3], tonumber(ARGV[6])
local at = tonumber(ARGV[4])
if at == 0 or at > now then at = now end
local known = call('HGET', CALLS, id)
local kept = known and unpack_one(known)
local counted = 0

-- Counts the call for a former holder, inside the history. Of a number that has just left, which is
-- in the outbox, whoever had it last.
local function credit_former(record)
  local history, resting, left = call('HGET', HISTORY, number), '', nil
  if not record then
    local packed = call('HGET', OUTBOX, number)
    left = packed and unpack_one(packed)
    if left and left[HANDED_ON] == 0 then history, resting = left[3], 'quarantine' end
  end
  local entry, entries = find_holder(history, at, resting ~= '')
  if entry and counted == 1 then
    entry[ENTRY_CALLS] = entry[ENTRY_CALLS] + 1
    history = string.sub(history, 1, 2) .. pack(unpack(entries))
    if resting == '' then
      call('HSET', HISTORY, number, history)
    else
      left[3] = history
      call('HSET', OUTBOX, number, pack(left))
    end
  end
  return entry, resting
end

if not kept or kept[COUNTED] == 0 and event ~= OUTCOME then
  counted = event == OUTCOME and 0 or 1
  local holder, resting = nil, ''
  if ARGV[5] == '1' then
    state[OVERFLOW_CALLS] = state[OVERFLOW_CALLS] + counted
  else
    local record = read_record(number)
    if record and record[SINCE] > 0 and at >= record[SINCE] then
      if counted == 1 then
        local was_queued = record[UNTIL] <= now and leave_order(number, record, state) or 0
        add_activity(record, rules[CALL_WEIGHT], at, rules)
        record[CALLED] = record[CALLED] + 1
        if was_queued == 1 then make_recyclable(number, record, rules, state) end
        write_record(number, record)
      end
      holder = present_holder(number, record, rules)
    else
      holder, resting = credit_former(record)
      if not holder and not record and resting == '' then return pack(NEVER_HERE) end
    end
    if now >= state[MINUTE_ENDS] then series_tools().begin_minute(state) end
    state[CALLS_TOTAL] = state[CALLS_TOTAL] + counted
  end
  kept = { counted, tonumber(ARGV[5]), holder or {}, number, kept and kept[EVENTS] or 0, resting }
end

local noted = math.floor((kept[EVENTS] or 0) / event) % 2 == 0 and 1 or 0
if noted == 1 then
  kept[EVENTS] = (kept[EVENTS] or 0) + event
  kept[6] = kept[6] or ''
  call('HSET', CALLS, id, pack(kept))
  if not known then
    call('ZADD', CALLS_BY_TIME, now, id)
    local old = call('ZRANGEBYSCORE', CALLS_BY_TIME, '-inf', now - IDS_KEPT_MS, 'LIMIT', 0, 10)
    if not old[1] and call('ZCARD', CALLS_BY_TIME) > IDS_KEPT then
      old = call('ZRANGE', CALLS_BY_TIME, 0, 1)
    end
    if old[1] then
      call('HDEL', CALLS, unpack(old))
      call('ZREM', CALLS_BY_TIME, unpack(old))
    end
  end
  if ARGV[7] ~= '' then
    ledger = { pack({ 3, number, kept[2], kept[6], ARGV[7], kept[3] }) }
  end
  save_state(state)
end
return pack({ counted, kept[2], kept[3], kept[4], noted, kept[6] or '' })
