#!lua
-- Does a bounded share of what needn't wait for a click: promotes numbers whose guarantee is over,
-- lets draining ones leave, drains lent ones above max_size, forgets networks that have nothing any
-- more and writers that are silent, goes on with the series while nobody asks, and shows what is to be
-- handed on.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 int        most numbers to promote (1000 at most, see include/pool_promote.lua)
-- Reply  packed: false when there is no such pool, else { more (1: sweep again), departures: array
--        of { number, loan ("": its own), left at ms, packed history }, exhausted (1 or 0), last
--        overflow ms, how many numbers it could take from its stock, ms until there is more to do
--        here if nobody clicks (an hour at most), how many answers this pool ever gave, size, how many
--        numbers are unassigned, clock ms, messages that wait in the ledger }
--@include pool_keys
--@include pool_state
--@include pool_record
--@include pool_end_assignment
--@include pool_leave
--@include pool_promote
--@include pool_growth
--@include pool_exhausted
--@include pool_budget
--@include pool_writes
--@include pool_series
local TOMBSTONE_MS, AT_ONCE, LATEST_MS, LOOKED_AT, MANY = 60000, 100, 3600000, 20, 5

local rules, state = open_pool(ARGV[1])
if not rules then return pack(false) end
local now, most = state[CLOCK], tonumber(ARGV[2])
-- Before anything is promoted: what was held at the end of each minute is counted from what wasn't.
if state[MINUTE_ENDS] > 0 and now >= state[MINUTE_ENDS] then series_tools().begin_minute(state) end
local more = promote(rules, state, most) >= most and 1 or 0
for _, number in ipairs(call('ZRANGEBYSCORE', DRAIN, '-inf', now, 'LIMIT', 0, AT_ONCE)) do
  call('ZREM', DRAIN, number)
  leave_pool(number, read_record(number), rules, state)
end

-- Networks that have nothing any more, and writers that are silent. It looks at any of them, and again
-- as long as it finds many: so those are a quarter at most, and nobody goes through all.
local known, over = call('HRANDFIELD', META, LOOKED_AT, 'WITHVALUES'), 0
for i = 1, #known, 2 do
  local name = known[i]
  if is_writer(name) then
    if is_silent(known[i + 1], now) then
      call('HDEL', META, name)
      over = over + 1
    end
  elseif is_network(name) then
    local budget = read_budget(name, known[i + 1], now)
    if budget[HAS] == 0 and budget[BUSY_UNTIL] <= now then
      call('HDEL', META, name)
      over = over + 1
    end
  end
end
if over >= MANY then more = 1 end
-- Where a pool had this before it was in META.
call('UNLINK', string.gsub(META, 'meta$', 'budgeted'), (string.gsub(META, 'meta$', 'rates')))

-- A pool above its size sends back what it borrowed: unassigned, then recyclable, then (when the
-- guarantee is over) the first to fall due.
local surplus = rules[MAX_SIZE] > 0 and state[SIZE] - call('ZCARD', DRAIN) - rules[MAX_SIZE] or 0
local function send_back(order, first, number_in)
  for _, member in ipairs(call('ZRANGE', order, first, first + AT_ONCE - 1)) do
    if surplus <= 0 then return end
    local number = number_in and number_in(member) or member
    local record = read_record(number)
    if record[LENT_BY] ~= '' then
      if order == GUARD and record[UNTIL] > now then
        start_draining(number, record)
      else
        call('ZREM', order, member)
        leave_pool(number, record, rules, state)
      end
      surplus = surplus - 1
    end
  end
end
if surplus > 0 then
  for _, order in ipairs({ FREE, IDLE, GUARD }) do
    local number_in = order == IDLE and number_of
    send_back(order, 0, number_in)
    -- The first may all be the pool's own: look at another hundred every second too.
    local pages = math.ceil(call('ZCARD', order) / AT_ONCE)
    if pages > 1 then send_back(order, math.floor(now / 1000) % pages * AT_ONCE, number_in) end
  end
end

local departures = {}
-- Any of them, not the first: what was handed on lately mustn't hide the others.
local left = call('HRANDFIELD', OUTBOX, AT_ONCE, 'WITHVALUES')
for i = 1, #left, 2 do
  local entry = unpack_one(left[i + 1])
  if entry[4] == 1 then
    if entry[2] + TOMBSTONE_MS < now then call('HDEL', OUTBOX, left[i]) end
  else
    departures[#departures + 1] = { left[i], entry[1], entry[2], entry[3] }
  end
end
local due_in = LATEST_MS
if more == 1 or surplus > 0 or #departures > 0 or call('HLEN', OUTBOX) > AT_ONCE then
  due_in = 0
else
  for _, order in ipairs({ GUARD, DRAIN }) do
    local first = call('ZRANGE', order, 0, 0, 'WITHSCORES')[2]
    if first then due_in = math.max(0, math.min(due_in, first - now)) end
  end
end
save_state(state)
local answers = state[NEW_TOTAL] + state[HELD_TOTAL] + state[RECYCLED_TOTAL] + state[OVERFLOW_TOTAL]
  + state[REFUSED_TOTAL]
return pack({ more, departures, is_exhausted(rules, state) and 1 or 0, state[LAST_OVERFLOW],
  room_to_grow(rules, state), due_in, answers, state[SIZE], call('ZCARD', FREE), now,
  tonumber(redis.pcall('XLEN', LEDGER)) or 0 })
