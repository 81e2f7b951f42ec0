-- Counts an event of this weight at this time (ms), which may be before the last one, in a record; its
-- counts are the caller's to change, afterwards. Activity fades: an event counts weight * 2^(-age /
-- half_life). A record has how much that was when it was last active, so a half-life that is edited
-- holds from then on. One of before has counts alone, a pool of before its minimum duration.
local function add_activity(record, weight, at, rules)
  local activity = record[ACTIVITY] or record[CALLED] * rules[CALL_WEIGHT] + record[CLICKED] * rules[CLICK_WEIGHT]
  local ago = (at - record[LAST]) / (rules[HALF_LIFE] or rules[MIN_DURATION])
  if ago >= 0 then
    record[ACTIVITY], record[LAST] = activity * 2 ^ -ago + weight, at
  else
    record[ACTIVITY] = activity + weight * 2 ^ ago
  end
end
