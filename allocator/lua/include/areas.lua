-- Areas are starts of E.164 numbers ("+1212"), in a text with a blank before and after each. (Those of
-- a stock are also starts of what is no telephone area, where pools ask for kinds of its numbers.) A
-- number's area is the longest of them that it starts with, "" when it is general; nil where there
-- are no areas (nil or "").
local SHORTEST_AREA, LONGEST_AREA = 3, 14

local function area_of(number, areas)
  if not areas or areas == '' then return nil end
  for length = LONGEST_AREA, SHORTEST_AREA, -1 do
    local start = string.sub(number, 1, length)
    if string.find(areas, ' ' .. start .. ' ', 1, true) then return start end
  end
  return ''
end
