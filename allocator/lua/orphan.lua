#!lua
-- Looks at keys of one slot that belong to nothing, and removes them unless a guarantee runs there.
--
-- KEYS   any of one slot
-- ARGV   1 int        1: remove them
--        2… int       which of KEYS are sorted sets by guaranteed_until ms
-- Reply  packed { how many of KEYS there are, when the last guarantee is over ms (0: it is, or there
--        was none), 1 they are removed, else 0 }
local time = redis.call('TIME')
local now, last = time[1] * 1000 + math.floor(time[2] / 1000), 0
for i = 2, #ARGV do
  local latest = redis.call('ZRANGE', KEYS[tonumber(ARGV[i])], -1, -1, 'WITHSCORES')[2]
  if latest and tonumber(latest) > now then last = math.max(last, tonumber(latest)) end
end
local there, removed = redis.call('EXISTS', unpack(KEYS)), 0
if ARGV[1] == '1' and last == 0 then
  redis.call('UNLINK', unpack(KEYS))
  removed = 1
end
return cmsgpack.pack({ there, last, removed })
