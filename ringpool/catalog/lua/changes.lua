#!lua flags=no-writes
-- Entries of the audit log, the newest first.
--
-- KEYS  the catalog's 8, then
--   9     CHANGES (see publish)
-- ARGV
--   1     the newest revision wanted; "": whichever that is
--   2     most revisions
--   3     most bytes; one entry is given however long it is
--   4     id of an account
-- Reply, packed: { the revision that made that account (0: not known), the revision from which to go
--   on (0: the log ends here), { revision, entry, … } }.
--@include catalog_keys
local CHANGES = KEYS[9]
local first = counter('changes_first')
local at = math.min(tonumber(ARGV[1]) or math.huge, counter('revision'))
local last, bytes, found = math.max(first, at - tonumber(ARGV[2]) + 1), 0, {}
while first > 0 and at >= last and bytes < tonumber(ARGV[3]) do
  local entry = call('HGET', CHANGES, at)
  if entry then
    found[#found + 1] = at
    found[#found + 1] = entry
    bytes = bytes + #entry
  end
  at = at - 1
end
local since = tonumber(call('HGET', CHANGES, 'since/account/' .. ARGV[4]) or '0')
return pack({ since, (first > 0 and at >= first) and at or 0, found })
