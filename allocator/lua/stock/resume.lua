#!lua
-- Takes over moves whose sender is gone: those begun 10 s ago and not confirmed.
--
-- KEYS   the stock's (include/stock_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
-- Reply  packed: array of { number, moved at ms (now), packed history, loan ms, pool id }
--@include stock_keys
local ABANDONED_AFTER = 10000
local now = clock(ARGV[1])
local reply = {}
-- Any 100, not the first: a hundred that their pool can't take in mustn't hide all others.
local moves = call('HRANDFIELD', MOVING, 100, 'WITHVALUES')
for i = 1, #moves, 2 do
  local number, move = moves[i], unpack_one(moves[i + 1])
  if move[2] + ABANDONED_AFTER <= now then
    call('HSET', MOVING, number, pack({ move[1], now }))
    reply[#reply + 1] = { number, now, call('HGET', HISTORY, number) or '',
      read_record(number)[SINCE], move[1] }
  end
end
return pack(reply)
