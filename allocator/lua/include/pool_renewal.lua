-- Whether activity now begins the number's guarantee anew, for HOLD from now: a ping (no clicks) always, a
-- click when less than 15/16 of that is left. So a busy tuple's guarantee isn't written at each click, and
-- workers may go on repeating the answer that tells of it (allocator.worker.cache).
local function is_to_renew(record, clicks, rules, now)
  local hold = rules[HOLD]
  return hold > 0 and record[LEAVING] == 0 and record[UNTIL] - now < (clicks > 0 and hold * 15 / 16 or hold)
end
