-- Former holders of a number, packed and oldest first: a count (2 bytes, big-endian), then one
-- packed entry each. An entry: 1 pool id, 2 tuple, 3 since ms, 4 until ms, 5 guaranteed_until ms,
-- 6 clicks, 7 calls, 8 first and 9 last click's attributes, 10 the pool's
-- owner then (missing in entries of before there were owners), 11 last click ms (0: unknown) and 12 serial
-- (both missing in entries of before the archive).
local ENTRY_SINCE, ENTRY_UNTIL, ENTRY_CALLS = 3, 4, 7

-- Returns the entry that held at a time and all entries; nil when none did. `history`: packed; ""
-- and false are none. `or_last`: when nobody did, who held last before. Pools have clocks of their own,
-- so two entries may overlap: the later counts.
local function find_holder(history, at, or_last)
  if not history or history == '' then return nil end
  local entries = { cmsgpack.unpack(string.sub(history, 3)) }
  for place = #entries, 1, -1 do
    local entry = entries[place]
    if entry[ENTRY_SINCE] <= at and (or_last or at < entry[ENTRY_UNTIL]) then return entry, entries end
  end
  return nil
end

-- Returns the entry of who held last; nil when nobody did.
local function last_holder(history)
  if not history or #history <= 2 then return nil end
  local entries = { cmsgpack.unpack(string.sub(history, 3)) }
  return entries[#entries]
end
