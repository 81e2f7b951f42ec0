#!lua flags=no-writes
-- What a stock knows of numbers: for audits.
--
-- KEYS   the stock's (include/stock_keys.lua)
-- ARGV   numbers
-- Reply  packed: { quarantine ms (-1: none is kept), for each number { pool it is lent to or on its way
--        to (""), loan ms, leaving (1 or 0), 1 it is on its way, else 0 } or {} }
--@include stock_keys
local reply = {}
for i = 1, #ARGV do
  local read, record = pcall(unpack_one, redis.pcall('HGET', NUMBERS, ARGV[i]) or '')
  reply[i] = {}
  if read and type(record) == 'table' and #record >= 3 then
    reply[i] = { record[POOL], record[SINCE], record[LEAVING], redis.pcall('HEXISTS', MOVING, ARGV[i]) == 1 and 1 or 0 }
  end
end
local quarantine = redis.pcall('HGET', META, 'quarantine')
return pack({ type(quarantine) == 'string' and tonumber(quarantine) or -1, reply })
