-- What one client network may have of a pool: a share of its numbers inside guarantees that it
-- began, and a rate of new ones. What it has is counted in BUDGETED, whose members are written with
-- the records that they tell of: a guarantee that is over drops out of the count by itself.
--
-- A network is a text without blanks. "": whoever isn't budgeted; UNKNOWN: nor is one whose network
-- nobody knows, but it is counted; KEYED: who has the pool's key, with a rate of its own and no share.
local KEYED, UNKNOWN = 'key', '?'
local MINUTE_MS = 60000

-- How many guarantees the network may begin in a minute; 0: any number.
local function rate_of(network, rules)
  if network == KEYED then return rules[KEY_RATE] or 0 end
  return rules[RATE] or 60
end

-- Whether what a network holds is counted.
local function is_filed(network)
  return network ~= '' and network ~= UNKNOWN and network ~= KEYED
end

-- Whether the network may begin no further guarantee. `awaited`: how many more it has been told to
-- wait for in this call.
local function is_over_budget(network, awaited, rules, state)
  if network == '' or network == UNKNOWN then return false end
  local rate = rate_of(network, rules)
  if rate > 0 then
    -- A minute's worth may come at once; RATES has when it will all be made up for.
    local busy_until = tonumber(call('ZSCORE', RATES, network) or 0)
    if math.max(0, busy_until - state[CLOCK]) + (awaited + 1) * math.floor(MINUTE_MS / rate) > MINUTE_MS then
      return true
    end
  end
  local share = network == KEYED and 0 or (rules[SHARE] or 20)
  if share == 0 then return false end
  local most = math.max(rules[LEAST] or 5, math.floor(state[SIZE] * share / 100))
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
  local rate = rate_of(network, rules)
  if rate > 0 then
    local busy_until = math.max(state[CLOCK], tonumber(call('ZSCORE', RATES, network) or 0))
    call('ZADD', RATES, busy_until + math.floor(MINUTE_MS / rate), network)
  end
end
