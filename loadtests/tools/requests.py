"""The requests of each kind of load, as Lua for wrk.

Every one goes through the same 900 tuples (30 websites × 5 locations × 6 paths) but ``new``.
"""

from __future__ import annotations

from collections.abc import Iterator

KEY = "benchmark-key-0123456789"
API_KEY = "benchmark-account-key-0123456789"
ACCOUNT = "bench"
TARGET = "+18005550100"
ROWS = 100

_TUPLES = """
local function tuple(i)
  return string.format("website=site-%d&location=loc-%d&path=page-%d",
    i % 30, math.floor(i / 30) % 5, math.floor(i / 150) % 6)
end
"""
_CYCLE = """
local at = 0
local prepared = {}
for i = 0, 899 do prepared[i] = prepare(i) end
function request()
  at = at + 1
  return prepared[at % 900]
end
"""


def tuples() -> Iterator[dict[str, str]]:
    """The same 900 tuples."""
    for i in range(900):
        website, location, path = i % 30, i // 30 % 5, i // 150 % 6
        yield {"website": f"site-{website}", "location": f"loc-{location}", "path": f"page-{path}"}


def bare() -> str:
    """One path, nothing to read."""
    return """
local prepared
function request()
  prepared = prepared or wrk.format("GET", "/bare")
  return prepared
end
"""


def number_api(pool: str) -> str:
    """Tuples seen before."""
    return f"""{_TUPLES}
local function prepare(i)
  return wrk.format("GET",
    "/api/v1/ring_pools/{pool}/allocate_number.json?ring_pool_key={KEY}&" .. tuple(i))
end
{_CYCLE}"""


def number_api_new(pool: str, pools: int = 1) -> str:
    """Every click a tuple of its own. ``pools`` > 1: in turn in ``pool``-0, ``pool``-1, …"""
    name = f'"{pool}"' if pools == 1 else f'"{pool}-" .. (at % {pools})'
    return f"""
local at = 0
function request()
  at = at + 1
  return wrk.format("GET", "/api/v1/ring_pools/" .. {name} ..
    "/allocate_number.json?ring_pool_key={KEY}&website=site-" .. RUN .. "&location=loc-" .. at ..
    "&path=home")
end
"""


def number_api_many(pool: str, pools: int) -> str:
    """A tuple seen before in each of many pools."""
    return f"""
local at = 0
function request()
  at = at + 1
  return wrk.format("GET", "/api/v1/ring_pools/{pool}-" .. (at % {pools}) ..
    "/allocate_number.json?ring_pool_key={KEY}&website=one&location=footer&path=home")
end
"""


def swap() -> str:
    """A page's question as the snippet asks it: visitor, click id and callback its own."""
    return f"""{_TUPLES}
local function escape(text)
  return (text:gsub("[^%w._-]", function(c) return string.format("%%%02X", c:byte()) end))
end
local page = {{}}
for i = 0, 899 do page[i] = escape("https://www.newspress.example/subscribe?" .. tuple(i) ..
  "&utm_source=google&utm_medium=cpc&utm_campaign=autumn&gclid=") end
local referrer = escape("https://www.google.com/")
local target = escape("{TARGET}")
local at = 0
function request()
  at = at + 1
  local own = RUN .. "x" .. at
  return wrk.format("GET", "/v1/swap?account={ACCOUNT}&url=" .. page[at % 900] ..
    "Cj0KCQiA" .. own .. "EALw_wcB&ref=" .. referrer .. "&device=desktop&visitor=v" .. own ..
    "&targets=" .. target .. "&callback=rp" .. own)
end
"""


def link(pool: str) -> str:
    """A click on the tracking link, its click id its own."""
    return f"""{_TUPLES}
local at = 0
local start = {{}}
for i = 0, 899 do start[i] = "/t/{pool}?" .. tuple(i) .. "&gclid=Cj0KCQiA" end
function request()
  at = at + 1
  return wrk.format("GET", start[at % 900] .. RUN .. "x" .. at)
end
"""


def link_new(pool: str, address: str) -> str:
    """Every click a tuple of its own, from ``address``: a Lua expression with ``at`` in it."""
    return f"""
local at = 0
function request()
  at = at + 1
  return wrk.format("GET", "/t/{pool}?location=loc-" .. RUN .. "-" .. at,
    {{["X-Forwarded-For"] = {address}}})
end
"""


def route(area: int, count: int) -> str:
    """Calls to ``count`` numbers of an area (``pools.numbers``), each from a caller of its own."""
    return f"""
local at = 0
local headers = {{["Authorization"] = "Bearer {API_KEY}"}}
function request()
  at = at + 1
  return wrk.format("GET", string.format("/v1/route?number=1{area}%07d&caller=1201%07d",
    at % {count}, at % 10000000), headers)
end
"""


def bulk(pool: str) -> str:
    """ROWS rows a request, of tuples seen before; every row's request_id its own."""
    return f"""{_TUPLES}
wrk.headers["Content-Type"] = "application/json"
local suffix = {{}}
for i = 0, 899 do
  suffix[i] = '{{"api_suffix":"{pool}/allocate_number.json?ring_pool_key={KEY}&' .. tuple(i) ..
    '","request_id":"'
end
local at = 0
local prepared = {{}}
for i = 0, 89 do
  local rows = {{}}
  for row = 1, {ROWS} do
    at = at + 1
    rows[row] = suffix[at % 900] .. RUN .. "-" .. at .. '"}}'
  end
  prepared[i] = wrk.format("POST", "/api/v1/bulk.json", nil,
    '{{"requests":[' .. table.concat(rows, ",") .. ']}}')
end
function request()
  at = at + 1
  return prepared[at % 90]
end
"""
