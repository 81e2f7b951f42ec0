#!lua
-- Puts documents in force, and enters in the audit log who changed them. Repeatable.
--
-- Nothing but this writes to the log, and nothing but this takes from it: the oldest entries go when
-- they are too old, or when there are too many.
--
-- KEYS  the catalog's 8, then
--   9     CHANGES  hash: revision → time (Unix ms), a blank, the entry as JSON; and of accounts
--                  "since/account/<id>" → the revision that made the one of that id,
--                  "wrote/account/<id>" → a day (of Unix time), a blank, bytes of its entries then
--   10    DETAILS  hash: revision → what was too long for its entry
-- ARGV
--   1     token of the writer
--   2     revision that is in force from now on
--   3     the entry; "": a writer of before there was a log
--   4     its details, "" for none
--   5     most entries kept
--   6     most bytes kept of all entries
--   7     most bytes kept of all details
--   8     for how long an entry is kept, ms
--   9     id of the account whose key made the change; "" another's
--   10…   field of DOCUMENTS and value in turns; "" removes the field
-- Reply, packed: 1 written, 0 the writer has lost the lock.
--@include catalog_keys
local CHANGES, DETAILS = KEYS[9], KEYS[10]
if not have_lock(ARGV[1]) then return pack(0) end
-- A writer has a token of its own for each change. It is secret; its digest may be shown.
local version = string.sub(redis.sha1hex(ARGV[1]), 1, 24)
for i = 10, #ARGV, 2 do
  local is_account = string.sub(ARGV[i], 1, 8) == 'account/'
  if ARGV[i + 1] == '' then
    call('HDEL', DOCUMENTS, ARGV[i])
    call('HDEL', VERSIONS, ARGV[i])
    if is_account then call('HDEL', CHANGES, 'since/' .. ARGV[i], 'wrote/' .. ARGV[i]) end
  else
    if is_account and call('HEXISTS', DOCUMENTS, ARGV[i]) == 0 then
      call('HSET', CHANGES, 'since/' .. ARGV[i], ARGV[2])
    end
    call('HSET', DOCUMENTS, ARGV[i], ARGV[i + 1])
    call('HSET', VERSIONS, ARGV[i], version)
  end
end
call('HSET', STATE, 'revision', ARGV[2])
if ARGV[3] == '' or call('HEXISTS', CHANGES, ARGV[2]) == 1 then return pack(1) end

local revision = tonumber(ARGV[2])
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local entry = string.format('%.0f %s', now, ARGV[3])
call('HSET', CHANGES, ARGV[2], entry)
if ARGV[4] ~= '' then call('HSET', DETAILS, ARGV[2], ARGV[4]) end
if ARGV[9] ~= '' then
  local field, day = 'wrote/account/' .. ARGV[9], math.floor(now / 86400000)
  local then_, wrote = string.match(call('HGET', CHANGES, field) or '', '^(%d+) (%d+)$')
  if tonumber(then_) ~= day then wrote = 0 end
  call('HSET', CHANGES, field, string.format('%.0f %.0f', day, wrote + #entry + #ARGV[4]))
end

-- The oldest entry that is kept, and how many bytes all have.
local first, bytes = counter('changes_first'), counter('changes_bytes') + #entry
if first == 0 then first = revision end
while first < revision do
  local oldest = call('HGET', CHANGES, first)
  if oldest and revision - first < tonumber(ARGV[5]) and bytes <= tonumber(ARGV[6])
    and now - tonumber(string.match(oldest, '^%d+')) <= tonumber(ARGV[8]) then break end
  if oldest then
    call('HDEL', CHANGES, first)
    bytes = bytes - #oldest
  end
  first = first + 1
end
-- The same of details, of which few entries have any.
local detailed, held = counter('details_first'), counter('details_bytes') + #ARGV[4]
if detailed == 0 then detailed = first end
while detailed < revision and (detailed < first or held > tonumber(ARGV[7])) do
  held = held - #(call('HGET', DETAILS, detailed) or '')
  call('HDEL', DETAILS, detailed)
  detailed = detailed + 1
end
call('HSET', STATE, 'changes_first', first, 'changes_bytes', bytes,
  'details_first', detailed, 'details_bytes', held)
return pack(1)
