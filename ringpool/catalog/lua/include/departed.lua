-- When a number left, in DEPARTED; where who had it is forgotten by now, so much later.
local FORGOTTEN = 1000000000000000

-- What HISTORIES has of it then: former holders, of whom none is kept.
local SOMEBODY = '\0\0'

local function forgotten(left)
  return string.format('%.0f', FORGOTTEN + math.max(0, left))
end

local function left_at(score)
  return score >= FORGOTTEN and score - FORGOTTEN or score
end
