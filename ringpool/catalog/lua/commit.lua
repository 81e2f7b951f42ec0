#!lua
-- Puts the staged plan in force: from here on it is carried out, by this writer or the next.
--
-- KEYS  the catalog's 8
-- ARGV
--   1     token of the writer
--   2     how many steps were staged
-- Reply, packed: 1 done, 0 the writer has lost the lock. An error if steps are missing.
--@include catalog_keys
if not have_lock(ARGV[1]) then return pack(0) end
if call('LLEN', PLAN) ~= tonumber(ARGV[2]) then return redis.error_reply('ERR steps are missing') end
call('HSET', STATE, 'planned', ARGV[2], 'done', 0)
return pack(1)
