-- KEYS of every catalog script, in the order of catalog/store.py; all have the hash tag {ringpool}.
--   STATE      hash: "revision"; "layout" (ringpool/catalog/layout.py); while a plan is under way "planned" (how many steps) and "done";
--              of the audit log "changes_first" (the oldest revision kept), "changes_bytes",
--              "details_first" and "details_bytes"; "restored_from" (ringpool/catalog/restore.py)
--   LOCK       string: token of the writer; expires
--   DOCUMENTS  hash: "pool/<id>", "account/<id>", "stock/<id>" → JSON without numbers;
--              "areas/<id>", "kinds/<id>" (ringpool/catalog/areas.py), "rests/<id>"
--              (ringpool/catalog/rests.py)
--   OWNERS     hash: number → "pool/<id>" or "stock/<id>", followed by "/leaving" while it drains
--   HISTORIES  hash: number that nobody owns → packed former holders
--   DEPARTED   zset: numbers in HISTORIES, by when they left (ms; include/departed.lua)
--   PLAN       list: steps of the change under way, as JSON, in order
--   VERSIONS   hash: field of DOCUMENTS → a text that every change of it changes; none: ""
local STATE, LOCK, DOCUMENTS, OWNERS, HISTORIES, DEPARTED, PLAN, VERSIONS =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local call, pack, unpack_one = redis.call, cmsgpack.pack, cmsgpack.unpack
local LOCK_MS = 30000

local function counter(name)
  return tonumber(call('HGET', STATE, name) or '0')
end

-- True if this writer still has the lock, which is renewed.
local function have_lock(token)
  if call('GET', LOCK) ~= token then return false end
  call('PEXPIRE', LOCK, LOCK_MS)
  return true
end
