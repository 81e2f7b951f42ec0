-- KEYS of every pool script, in the order of allocator/keys.py. All carry the hash tag {pool id}.
--   1 META           hash    "rules" and "state", both packed (include/pool_state.lua); "dry:" and an
--                            area → until when it's no use asking the stock for one of it (ms); a
--                            client network → what it has, packed (include/pool_budget.lua); "w:" and a
--                            writer → its last write (include/pool_writes.lua); "shrunk": what
--                            pool/shrink has done of its run; "wide", which makes it a hash table; "closed_rules" in place of "rules" once the pool was closed
--                            (copy/close.lua)
--   2 TUPLES         hash    tuple → number, of assigned numbers
--   3 NUMBERS        hash    number → packed record (include/pool_record.lua), all of the pool's
--   4 FREE           zset    unassigned numbers, by when they came free (ms)
--   5 GUARD          zset    assigned numbers, by guaranteed_until (ms)
--   6 IDLE           zset    recyclable numbers as members of include/pool_record.lua, best first
--   7 DRAIN          zset    assigned numbers that leave the pool, by guaranteed_until (ms)
--   8 STALE          zset    recyclable numbers still in the order of the rule before an edit
--   9 CLICKS         hash    "number:f", "number:l" → attributes of the first and the last click
--  10 HISTORY        hash    number → packed former holders (include/history.lua)
--  11 OVERFLOW       hash    hour (whole hours since 1970) → how many overflow answers
--  12 OUTBOX         hash    number that left → packed { loan, left at ms, packed history, handed on
--                            (1 or 0) }
--  13 CALLS          hash    call id → the packed reply that it got
--  14 CALLS_BY_TIME  zset    call ids, by when they came (ms)
--  15 SHELVES        zset    numbers by area, then guaranteed_until (include/pool_record.lua); empty
--                            where the rules name no areas
--  16 SERIES         hash    rows of minutes and hours (include/pool_series.lua)
--  17 REFUSALS       list    what it refused lately, newest last (include/pool_refusals.lua)
--  18 LEDGER         stream  what the archive hasn't read yet (include/pool_ledger.lua)
local META, TUPLES, NUMBERS, FREE, GUARD, IDLE, DRAIN, STALE, CLICKS, HISTORY, OVERFLOW, OUTBOX, CALLS, CALLS_BY_TIME, SHELVES, SERIES, REFUSALS, LEDGER =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12], KEYS[13], KEYS[14], KEYS[15], KEYS[16], KEYS[17], KEYS[18]
local call, pack, unpack_one = redis.call, cmsgpack.pack, cmsgpack.unpack
