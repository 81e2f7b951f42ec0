#!lua
-- Counts one of so many a minute, over all processes. A minute's worth may come at once; after that
-- they come as evenly as the rate says.
--
-- KEYS   1 string  when what was counted is made up for, µs
-- ARGV   1 int     how many a minute, 1 at least
-- Reply  packed int: 0 counted, else in how many ms one will be; then nothing was counted
local MINUTE = 60000000

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local from = tonumber(redis.call('GET', KEYS[1]) or 0)
-- Later than a minute from now is from before the clock was set back.
from = math.min(math.max(from, now), now + MINUTE)
local made_up = from + math.floor(MINUTE / ARGV[1])
if made_up > now + MINUTE then
  return cmsgpack.pack(math.ceil((made_up - now - MINUTE) / 1000))
end
redis.call('SET', KEYS[1], string.format('%.0f', made_up), 'PX', math.ceil((made_up - now) / 1000))
return cmsgpack.pack(0)
