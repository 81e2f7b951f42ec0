#!lua flags=no-writes
-- What a pool knows of numbers, whether or not its rules are there: for audits.
--
-- KEYS   the pool's (include/pool_keys.lua)
-- ARGV   1 int or ""  now, ms ("": the server's clock)
--        2… string    numbers
-- Reply  packed: for each number { { loan, leaving (1 or 0), 1 it is promised now, else 0 } or {},
--        { loan by which it left and wasn't handed on yet } or {} }
--@include pool_keys
--@include pool_record
local now = tonumber(ARGV[1])
if not now then
  local time = call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local reply = {}
for i = 2, #ARGV do
  local here, left = {}, {}
  -- A key of another kind than it should be has none.
  local read, record = pcall(unpack_one, redis.pcall('HGET', NUMBERS, ARGV[i]) or '')
  if read and type(record) == 'table' and #record >= 10 then
    local promised = record[SINCE] > 0 and record[UNTIL] > now
    here = { record[LENT_BY], record[LEAVING], promised and 1 or 0 }
  end
  local known, entry = pcall(unpack_one, redis.pcall('HGET', OUTBOX, ARGV[i]) or '')
  if known and type(entry) == 'table' and entry[4] == 0 then left = { entry[1] } end
  reply[i - 1] = { here, left }
end
return pack(reply)
