-- Ends assignments. Of a number's former holders the last 16 stay (include/history.lua), older ones
-- while they ended less than 30 days ago and all of it fits the pool's byte budget; of all of them
-- no more than HISTORY_MOST bytes, where that is given.
local KEPT, KEPT_MS = 16, 2592000000

-- Ends the present assignment: writes it to the history and forgets tuple and attributes. The
-- first click's may stay where the next assignment `replaces` them at once.
local function end_assignment(number, record, rules, now, replaces)
  local first, last = number .. ':f', number .. ':l'
  local clicks = call('HMGET', CLICKS, first, last)
  local entry = pack({ rules[POOL_ID], record[TUPLE], record[SINCE], now, record[UNTIL],
    record[CLICKED], record[CALLED], clicks[1] or '', clicks[2] or '', rules[OWNER] or '',
    record[LAST_CLICK] or 0, record[SERIAL] })
  ledger = ledger or {}
  ledger[#ledger + 1] = '\147\1' .. pack(number) .. entry -- an array of three
  local history = call('HGET', HISTORY, number)
  local count, body = 1, entry
  if history then
    count, body = struct.unpack('>H', history) + 1, string.sub(history, 3) .. entry
  end
  local start = 0
  while count > KEPT do
    -- 4: when it ended
    local following, oldest = cmsgpack.unpack_one(body, start)
    if #body - start <= rules[HISTORY_BYTES] and oldest[4] > now - KEPT_MS then break end
    start, count = following, count - 1
  end
  local most = rules[HISTORY_MOST]
  while most and count > 1 and #body - start > most do
    start, count = cmsgpack.unpack_one(body, start), count - 1
  end
  if most and #body - start > most then
    -- None is kept, but that somebody had it: so a stock that it comes to lets it rest.
    call('HSET', HISTORY, number, '\0\0')
  else
    if start > 0 then body = string.sub(body, start + 1) end
    call('HSET', HISTORY, number, struct.pack('>H', count) .. body)
  end
  if clicks[2] or (clicks[1] and not replaces) then call('HDEL', CLICKS, first, last) end
  call('HDEL', TUPLES, record[TUPLE])
end
