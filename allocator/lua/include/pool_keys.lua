-- KEYS of every pool script, in the order of allocator/keys.py. All carry the tag {pool id}.
local META, TUPLES, NUMBERS, FREE, GUARD, IDLE, DRAIN, STALE, CLICKS, HISTORY, OVERFLOW, OUTBOX, CALLS, CALLS_BY_TIME =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12], KEYS[13], KEYS[14]
local call, pack, unpack_one = redis.call, cmsgpack.pack, cmsgpack.unpack
