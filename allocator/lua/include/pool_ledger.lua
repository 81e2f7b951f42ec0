-- What the archive is to know: one message a call that has something, { how many entries the pool had
-- before, entries… }, packed in the one field of the message. An entry is { 1, number, an assignment that ended
-- (include/history.lua) }, { 2, at ms, tuple, attributes, number that was shown (""), owner } of an answer
-- overflow or none, or { 3, number, overflow (1 or 0), resting, event (JSON), holder } of a call's event
-- (pool/call). Entries are counted, so that a gap tells how many were dropped: the stream is bounded, and
-- giving numbers never waits for the archive. Included where the state is saved.
--
-- Its id is the pool's clock, or the store's next where the ledger is ahead of that: a new pool has the unread
-- ledger of a deleted one, and a repaired pool another clock. What is given is written by then, so nothing
-- may fail here: what can't be appended is a gap.
local message = struct.pack('>BH', 220, #ledger + 1) .. pack(state[LEDGER_ENTRIES]) .. table.concat(ledger)
local added = redis.pcall('XADD', LEDGER, 'MAXLEN', '~', '20000', string.format('%d-*', state[CLOCK]), 'e', message)
if type(added) == 'table' then redis.pcall('XADD', LEDGER, 'MAXLEN', '~', '20000', '*', 'e', message) end
state[LEDGER_ENTRIES] = state[LEDGER_ENTRIES] + #ledger
