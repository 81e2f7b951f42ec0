#!lua
-- Audits a page of what the catalog keeps beside its documents and owners; a page is one call, so
-- that a catalog in use gives no false findings.
--
-- KEYS  the catalog's 8, then
--   9     CHANGES  (see publish)
--   10    DETAILS
-- ARGV
--   1     token of the writer, to mend what is found; "": only look
--   2     part: versions, documents, histories, departed, changes, details
--   3     cursor ("0" to begin)
--   4     about how many entries
-- Reply, packed: { next cursor ("0" after the last page), array of { field, what is wrong }, of the
--   log array of { revision, bytes }, { first change, its bytes, first detail, its bytes } as they are
--   counted, the revision }; false: the writer has lost the lock.
--@include catalog_keys
local CHANGES, DETAILS = KEYS[9], KEYS[10]
local repair, part, cursor, most = ARGV[1] ~= '', ARGV[2], ARGV[3], tonumber(ARGV[4])
if repair and not have_lock(ARGV[1]) then return pack(false) end
local found, sizes, following = {}, {}, '0'

local function note(field, what)
  found[#found + 1] = { field, what }
  return repair
end

local function each_field(key, look_at)
  local page = call('HSCAN', key, cursor, 'COUNT', most)
  following = page[1]
  for i = 1, #page[2], 2 do look_at(page[2][i], page[2][i + 1]) end
end

-- Of what only an account, or a pool, that is there can have.
local function drop_without(key, field, needed, what)
  if needed and call('HEXISTS', DOCUMENTS, needed) == 0 and note(field, what) then
    call('HDEL', key, field)
  end
end

if part == 'versions' then
  each_field(VERSIONS, function(field)
    drop_without(VERSIONS, field, field, 'a version of what is not there')
  end)
elseif part == 'documents' then
  each_field(DOCUMENTS, function(field)
    local section, pool = string.match(field, '^(%w+)/(.*)$')
    if section == 'areas' or section == 'kinds' then
      drop_without(DOCUMENTS, field, 'pool/' .. pool, section .. ' of a pool that is not there')
    end
  end)
elseif part == 'histories' then
  each_field(HISTORIES, function(number)
    if not call('ZSCORE', DEPARTED, number) and note(number, 'its former holders are never forgotten') then
      local time = call('TIME')
      call('ZADD', DEPARTED, time[1] * 1000, number)
    end
  end)
elseif part == 'departed' then
  local first, kept = tonumber(cursor), 0
  local numbers = call('ZRANGE', DEPARTED, first, first + most - 1)
  for _, number in ipairs(numbers) do
    if call('HEXISTS', HISTORIES, number) == 0 and note(number, 'former holders of it are to be forgotten, and there are none') then
      call('ZREM', DEPARTED, number)
    else
      kept = kept + 1
    end
  end
  if #numbers == most then following = string.format('%d', first + kept) end
else
  local key = part == 'changes' and CHANGES or DETAILS
  each_field(key, function(field, entry)
    local account = string.match(field, '^since/(account/.*)$') or string.match(field, '^wrote/(account/.*)$')
    if account then
      drop_without(key, field, account, 'of an account that is not there')
    elseif tonumber(field) then
      sizes[#sizes + 1] = { field, #entry }
    end
  end)
end
return pack({ following, found, sizes, { counter('changes_first'), counter('changes_bytes'),
  counter('details_first'), counter('details_bytes') }, counter('revision') })
