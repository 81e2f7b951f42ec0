#!lua
-- Takes back numbers that left the pool they were lent to, or found it full; repeatable. Those that
-- left may go again when the quarantine is over.
--
-- KEYS   the stock's (include/stock_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2 string     pool id
--        3 packed     array of { number, loan ms, left the pool at ms, packed history }
-- Reply  packed: array of a code for each number: 1 it is back, 0 it had been taken back before, 2
--        it has left the stock too (it was to leave, or isn't the stock's any more)
--@include stock_keys
local REPEATED, BACK, LEFT_STOCK = 0, 1, 2

local now = clock(ARGV[1])
local quarantine = tonumber(call('HGET', META, 'quarantine') or '0')
local reply = {}
for i, entry in ipairs(unpack_one(ARGV[3])) do
  local number, loan, left, history = entry[1], entry[2], entry[3], entry[4]
  local record = read_record(number)
  if not record then
    reply[i] = LEFT_STOCK
  elseif record[POOL] ~= ARGV[2] or record[SINCE] ~= loan then
    -- It is back, and may be lent again already: an answer that got lost is being repeated.
    reply[i] = REPEATED
  else
    -- Still on its way and nobody had it: the pool was full. It may go again at once.
    local never_arrived = call('HDEL', MOVING, number) == 1 and history == ''
    if record[LEAVING] == 1 then
      call('HDEL', NUMBERS, number)
      call('HDEL', HISTORY, number)
      reply[i] = LEFT_STOCK
    else
      local back = { '', now, 0, record[AREA] }
      call('HSET', NUMBERS, number, pack(back))
      make_available(number, back, never_arrived and now or left + quarantine)
      if history ~= '' then call('HSET', HISTORY, number, history) end
      reply[i] = BACK
    end
  end
end
return pack(reply)
