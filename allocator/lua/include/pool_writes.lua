-- Writes of clicks that workers answered from memory. A write is { writer, number }: who makes it, and
-- the writer's own count of them, upwards. One that the writer doesn't know to be done comes again
-- under its number, before the next: the last number of each writer, kept in META under "w:" and the
-- writer, tells whether it was. Big-endian: the number (6 bytes), when it came (ms, 6). The sweep
-- forgets writers that have been silent for SILENT_MS.
local SILENT_MS = 86400000

local function field_of(write)
  return 'w:' .. write[1]
end

local function was_done(write)
  local last = call('HGET', META, field_of(write))
  return last and struct.unpack('>I6', last) >= write[2]
end

local function note_done(write, now)
  call('HSET', META, field_of(write), struct.pack('>I6I6', write[2], now))
end

-- Whether a field of META is a writer's.
local function is_writer(name)
  return string.sub(name, 1, 2) == 'w:'
end

local function is_silent(packed, now)
  local _, at = struct.unpack('>I6I6', packed)
  return at + SILENT_MS <= now
end
