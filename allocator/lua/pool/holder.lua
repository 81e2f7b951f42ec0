#!lua flags=no-writes
-- Who holds a number, or held it at a time.
--
-- KEYS  the pool's. ARGV 1 now · 2 number · 3 at ms (0: now) · 4 the hour's overflow to count too
--       ("": none), as whole hours since 1970.
-- Reply packed: false when there is no such pool, else { in the pool (1 or 0), draining (1 or 0),
--   loan ("": its own), holding, overflow answers in that hour }, holding as in call.lua ({}: nobody).
--@include pool_keys
--@include pool_state
--@include pool_record
local rules, state = open_pool(ARGV[1])
if not rules then return pack(false) end
local number, at = ARGV[2], tonumber(ARGV[3])
if at == 0 then at = state[CLOCK] end
local record = read_record(number)
local letter = not record and call('HGET', OUTBOX, number)
local holding = {}
if record and record[SINCE] > 0 and at >= record[SINCE] then
  local clicks = call('HMGET', CLICKS, number .. ':f', number .. ':l')
  holding = { rules[POOL_ID], record[TUPLE], record[SINCE], 0, record[UNTIL], record[CLICKED],
    record[CALLED], clicks[1] or '', clicks[2] or '' }
else
  -- Between leaving the pool and being handed on, the history lies in the outbox.
  local history = call('HGET', HISTORY, number) or (letter and unpack_one(letter)[3])
  if history and history ~= '' then
    for _, entry in ipairs({ cmsgpack.unpack(string.sub(history, 3)) }) do
      if entry[3] <= at and at < entry[4] then holding = entry end
    end
  end
end
return pack({ record and 1 or 0, record and record[LEAVING] or 0, record and record[LENT_BY] or '',
  holding, ARGV[4] ~= '' and tonumber(call('HGET', OVERFLOW, ARGV[4]) or 0) or 0 })
