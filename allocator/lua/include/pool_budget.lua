-- What one client network may have of a pool: a share of its numbers inside guarantees that it
-- began, and a rate of new ones. What it has is counted in BUDGETED, whose members are written with
-- the records that they tell of: a guarantee that is over drops out of the count by itself.
--
-- A network is a text without blanks. "": whoever isn't budgeted; UNKNOWN: nor is one whose network
-- nobody knows, but it is counted; KEYED: who has the pool's key, with a rate of its own and no share.
local KEYED, UNKNOWN = 'key', '?'
local MINUTE_MS = 60000

-- How many numbers a network may have; nil: any number.
local function most_of(network, rules, state)
  local share = network == KEYED and 0 or (rules[SHARE] or 20)
  return share > 0 and math.max(rules[LEAST] or 5, math.floor(state[SIZE] * share / 100)) or nil
end

-- How many guarantees the network may begin in a minute; 0: any number. Where guarantees last a
-- minute, a share that is no more than the rate keeps to the rate by itself.
local function rate_of(network, rules, state)
  if network == KEYED then return rules[KEY_RATE] or 0 end
  local rate, most = rules[RATE] or 60, most_of(network, rules, state)
  local shortest = rules[HOLD] > 0 and math.min(rules[HOLD], rules[MIN_DURATION]) or rules[MIN_DURATION]
  if most and most <= rate and shortest >= MINUTE_MS then return 0 end
  return rate
end

-- When what the network began lately is made up for, ms; read once a call.
local busy_until = {}
local function read_busy_until(network)
  local known = busy_until[network]
  if not known then
    known = tonumber(call('ZSCORE', RATES, network) or 0)
    busy_until[network] = known
  end
  return known
end

-- Whether what a network holds is counted.
local function is_filed(network)
  return network ~= '' and network ~= UNKNOWN and network ~= KEYED
end

-- Whether the network may begin no further guarantee. `awaited`: how many more it has been told to
-- wait for in this call.
local function is_over_budget(network, awaited, rules, state)
  if network == '' or network == UNKNOWN then return false end
  local rate = rate_of(network, rules, state)
  if rate > 0 then
    -- A minute's worth may come at once.
    if math.max(0, read_busy_until(network) - state[CLOCK]) + (awaited + 1) * math.floor(MINUTE_MS / rate) > MINUTE_MS then
      return true
    end
  end
  local most = most_of(network, rules, state)
  if not most then return false end
  local begins = network .. ' '
  local has = call('ZLEXCOUNT', BUDGETED, '(' .. begins .. string.format('%011x', state[CLOCK]) .. '~',
    '(' .. begins .. '~')
  return has + awaited >= most
end

-- Notes that the network began a guarantee.
local function count_begun(network, rules, state)
  if network == '' then return end
  if network == UNKNOWN then
    state[UNKNOWN_TOTAL], state[LAST_UNKNOWN] = state[UNKNOWN_TOTAL] + 1, state[CLOCK]
    return
  end
  local rate = rate_of(network, rules, state)
  if rate > 0 then
    local from = math.max(state[CLOCK], read_busy_until(network))
    busy_until[network] = from + math.floor(MINUTE_MS / rate)
    call('ZADD', RATES, busy_until[network], network)
  end
end
