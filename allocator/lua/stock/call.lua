#!lua
-- Takes what was told of an inbound call to a number that rests here, or is on its way to a pool: as
-- pool/call does, for whoever had the number last. A call that began while it was here counts, and
-- then the number isn't lent before a quiet period without calls is over: `quiet` after the last one.
-- However often it is called, it waits no longer than 4 times that after its quarantine.
--
-- Ids are remembered for 30 days, the latest 20,000 of the stock at most.
--
-- KEYS   the stock's (include/stock_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 string     call id
--        3 string     number
--        4 int        started at, ms (0: now)
--        5 int        what is told: 1 started, 2 answered, 4 ended, 8 missed, 16 outcome
--        6 string     the event (JSON), for the ledger; "": it isn't noted there
-- Reply  packed: 0 when the number isn't here, else { counted, 0, holder, number, noted, resting } as
--        pool/call replies; resting "quarantine" or "stock"
--@include stock_keys
--@include history
local NEVER_HERE, IDS_KEPT_MS, IDS_KEPT, OUTCOME, LONGEST_WAIT = 0, 2592000000, 20000, 16, 4
-- What is kept of an id, as in pool/call.
local COUNTED, EVENTS = 1, 5

local now, id, number, event = clock(ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[5])
local at = tonumber(ARGV[4])
if at == 0 or at > now then at = now end
local known = call('HGET', CALLS, id)
local kept = known and unpack_one(known)
local counted = 0

-- Has a number that was called wait until it was quiet for long enough. A stock that wasn't edited since
-- there are quiet periods has the default one.
local function wait(record, available)
  local rules = call('HMGET', META, 'quarantine', 'quiet')
  local quiet = tonumber(rules[2] or '604800000')
  local most = record[SINCE] + tonumber(rules[1] or '0') + LONGEST_WAIT * quiet
  local from = math.min(record[CALLED_AT] + quiet, math.max(most, available))
  if from > available then
    make_unavailable(number, record)
    make_available(number, record, from)
  end
end

if not kept or kept[COUNTED] == 0 and event ~= OUTCOME then
  local record = read_record(number)
  local here = record and record[POOL] == ''
  if not record or not here and call('HEXISTS', MOVING, number) == 0 then return pack(NEVER_HERE) end
  local available = tonumber(here and call('ZSCORE', AVAILABLE, number) or '0')
  local history = call('HGET', HISTORY, number)
  local holder, entries = find_holder(history, at, true)
  if here and at >= record[SINCE] and event ~= OUTCOME then
    counted = 1
    record[CALLED] = (record[CALLED] or 0) + 1
    record[CALLED_AT] = math.max(record[CALLED_AT] or 0, at)
    write_record(number, record)
    wait(record, available)
    if holder then
      holder[ENTRY_CALLS] = holder[ENTRY_CALLS] + 1
      call('HSET', HISTORY, number, string.sub(history, 1, 2) .. pack(unpack(entries)))
    end
  end
  kept = { event == OUTCOME and 0 or 1, 0, holder or {}, number, kept and kept[EVENTS] or 0,
    here and available > now and 'quarantine' or 'stock' }
end

local noted = math.floor(kept[EVENTS] / event) % 2 == 0 and 1 or 0
if noted == 1 then
  kept[EVENTS] = kept[EVENTS] + event
  call('HSET', CALLS, id, pack(kept))
  if ARGV[6] ~= '' then
    local before = call('HINCRBY', META, 'ledger_entries', 1) - 1
    -- The call is taken by then: what can't be appended is a gap, as in include/pool_ledger.lua.
    redis.pcall('XADD', LEDGER, 'MAXLEN', '~', '20000', '*', 'e',
      pack({ before, { 3, number, 0, kept[6], ARGV[6], kept[3] } }))
  end
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
end
return pack({ counted, 0, kept[3], kept[4], noted, kept[6] })
