#!lua flags=no-writes
-- Counts a pool.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
-- Reply  packed: false when there is no such pool, else { size, unassigned, held, recyclable,
--        draining, overflow, new, recycled and held totals, ms since the assignment that falls due
--        first, exhausted (1 or 0), backlog, calls, overflow calls, last overflow ms, clock ms, answers that a
--        budget refused, guarantees begun for unknown networks, the last of these ms, how long the
--        former assignments of recycled numbers stood together (ms), how many of those numbers were
--        recycled early, messages that wait in the ledger, ms since the oldest of them }
--@include pool_keys
--@include pool_state
--@include pool_record
--@include pool_growth
--@include pool_exhausted
--@include ledger_waits
local rules, state = open_pool(ARGV[1])
if not rules then return pack(false) end
local now = state[CLOCK]
local due = call('ZCOUNT', GUARD, '-inf', now)
local unassigned = call('ZCARD', FREE)
local recyclable = call('ZCARD', IDLE) + call('ZCARD', STALE) + due
local draining = call('ZCARD', DRAIN)
local first = call('ZRANGEBYSCORE', GUARD, '(' .. string.format('%d', now), '+inf', 'LIMIT', 0, 1)[1]
local oldest = first and now - read_record(first)[SINCE] or 0
local waiting, oldest_waiting = ledger_waits(now)
return pack({ state[SIZE], unassigned, call('ZCARD', GUARD) - due, recyclable,
  draining, state[OVERFLOW_TOTAL], state[NEW_TOTAL], state[RECYCLED_TOTAL],
  state[HELD_TOTAL], oldest,
  is_exhausted(rules, state) and 1 or 0, due, state[CALLS_TOTAL], state[OVERFLOW_CALLS],
  state[LAST_OVERFLOW], now, state[REFUSED_TOTAL], state[UNKNOWN_TOTAL], state[LAST_UNKNOWN],
  state[AGE_TOTAL], state[EARLY_TOTAL], waiting, oldest_waiting })
