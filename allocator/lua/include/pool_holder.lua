-- The present holder of a number as an entry of its history (include/history.lua), until 0: it
-- still holds.
local function present_holder(number, record, rules)
  local clicks = call('HMGET', CLICKS, number .. ':f', number .. ':l')
  return { rules[POOL_ID], record[TUPLE], record[SINCE], 0, record[UNTIL], record[CLICKED],
    record[CALLED], clicks[1] or '', clicks[2] or '', rules[OWNER] or '', record[LAST_CLICK] or 0,
    record[SERIAL] }
end
