"""Every way to break a store that ``ringpool check`` knows: docs/operating/check.md has its table.

Each is done by a script beside ours, on an installation of two pools and a stock (``make``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from allocator.allocator import Allocator
from allocator.answers import Ask, Call
from allocator.port import Store
from allocator.stocks import Stocks
from allocator.transfers import Transfers
from ringpool.catalog.catalog import Catalog
from ringpool.config import config_file
from ringpool.model import rules

OWN = [f"+1212666010{n}" for n in range(1, 6)]
INSTALLATION = f"""
accounts:
  - id: acme
    api_keys: [the-key-of-acme-0123456789]
pools:
  - id: a
    account: acme
    parameters: [w]
    min_duration: 10m
    numbers: {OWN}
    stock: s
    max_size: 8
    overflow_number: "+18005550199"
    match: area
  - id: b
    account: acme
    parameters: [w]
    min_duration: 10m
    numbers: ["+18882000001"]
    stock: s
    max_size: 4
    overflow_number: "+18005550199"
stocks:
  - id: s
    account: acme
    numbers: ["+13106660101", "+13106660102", "+13106660103"]
"""
NOBODYS = "+13106660199"
OVERFLOW = "+18005550199"


class Numbers(NamedTuple):
    """Numbers of the installation by what they are; the first three are promised to ``w=held``,
    ``w=leaving`` of pool a, ``w=own``, ``w=lent`` of pool b."""

    held: str
    leaving: str
    own: str
    lent: str
    due: str
    free: str
    spare: str
    nobodys: str

    @property
    def promised(self) -> dict[tuple[str, str], str]:
        """By pool and tuple."""
        return {
            ("a", "w=held"): self.held,
            ("a", "w=leaving"): self.leaving,
            ("b", "w=own"): self.own,
            ("b", "w=lent"): self.lent,
        }


async def make(store: Store) -> Numbers:
    """An installation in an empty store, each kind of number in it."""
    allocator, stocks = Allocator(store), Stocks(store)
    catalog, transfers = Catalog(store, allocator, stocks), Transfers(store)

    async def guarantee(milliseconds: int) -> None:
        revision, known = await catalog.entities()
        (pool, _), areas = known.pools, known.areas["a"]
        spans = {"min_duration": milliseconds, "hold_on_activity": milliseconds}
        given = msgspec.structs.replace(rules(pool, areas), **spans)
        await allocator.edit("a", given, revision)

    async def ask(pool: str, tuple_: str) -> str:
        asked = Ask(tuple_, b"clicked", network="192.0.2.0/24")
        (answer,) = await allocator.allocate(pool, [asked])
        return answer.number

    await catalog.apply(config_file.read(INSTALLATION), canonical=True)
    await guarantee(0)
    due = await ask("a", "w=due")
    await allocator.sweep("a")
    await guarantee(600_000)
    held, leaving = await ask("a", "w=held"), await ask("a", "w=leaving")
    call = Call(id="called", number=held)
    await allocator.record_call("a", call)
    await catalog.remove_numbers("a", [leaving])
    own = await ask("b", "w=own")
    await transfers.fill("b", "s", 1)
    lent = await ask("b", "w=lent")
    free = next(number for number in OWN if number not in (due, held, leaving))
    spare = next(n for n in ("+13106660103", "+13106660102") if n != lent)
    return Numbers(held, leaving, own, lent, due, free, spare, NOBODYS)


PRELUDE = """
local call, pack, unpack_one = redis.call, cmsgpack.pack, cmsgpack.unpack
local function a(name) return 'rp:{a}:' .. name end
local function b(name) return 'rp:{b}:' .. name end
local function s(name) return 'rp:{stock:s}:' .. name end
local function c(name) return 'rp:{ringpool}:catalog-' .. name end
local HELD, LEAVING, OWN, LENT, DUE, FREE, SPARE, NOBODYS = unpack(ARGV)
local function record(key, field) return unpack_one(call('HGET', key, field)) end
local function edit(key, field, place, value)
  local found = record(key, field)
  found[place] = value
  local last = 0
  for at in pairs(found) do last = math.max(last, at) end
  -- With a hole it would be packed as a map.
  for at = 1, last do if found[at] == nil then found[at] = false end end
  call('HSET', key, field, pack(found))
end
local function until_of(number) return record(a('numbers'), number)[3] end
local function add(pool, number, since, loan)
  local found = { 'w=twin', since, since > 0 and since + 600000 or 0, 0, 0, 0, 0, 0, 0, loan or '' }
  call('HSET', pool('numbers'), number, pack(found))
  if since > 0 then
    call('ZADD', pool('guard'), found[3], number)
    call('HSET', pool('tuples'), 'w=twin', number)
  else
    call('ZADD', pool('free'), 0, number)
  end
  edit(pool('meta'), 'state', 2, call('HLEN', pool('numbers')))
end
local function now() return call('TIME')[1] * 1000 end
local function lose(pool, number)
  for _, order in ipairs({ 'free', 'guard' }) do call('ZREM', pool(order), number) end
  call('HDEL', pool('numbers'), number)
  call('DEL', pool('shelves'))
end
local function lose_in_stock(number)
  call('ZREM', s('available'), number)
  call('DEL', s('shelves'))
end
local function listed(owner, change)
  call('HSET', c('list:' .. owner), '0', change(call('HGET', c('list:' .. owner), '0')))
end
local function without(number)
  return function(list) return (string.gsub(list, '%+' .. string.sub(number, 2), '')) end
end
local function document(name, from, to)
  local text = call('HGET', c('documents'), name)
  call('HSET', c('documents'), name, (string.gsub(text, from, to)))
end
"""


class Break(NamedTuple):
    """One way to break it. ``says``: of what is found, without numbers; ``repair``: what it does.

    ``forgets``: nothing is left that tells whose the number was: nobody else may get it, though.
    ``stays``: repair leaves it.
    """

    what: str
    script: str
    says: str
    repair: str
    forgets: Sequence[str] = ()
    stays: bool = False


_AGAINST = 'it is in "{}" against its record'
_STRANGER = 'it is in "{}" without a record'
_WAITS = "nobody gets it before a whole guarantee is over"
_LEFT = "left: nobody but you can decide it"

POOLS = (
    Break(
        "an unassigned number can't be found",
        "call('ZREM', a('free'), FREE)",
        "it is in no order",
        "put back",
    ),
    Break(
        "nor can a guaranteed one",
        "call('ZREM', a('guard'), HELD)",
        "it is in no order",
        "put back",
    ),
    Break(
        "nor one that leaves", "call('ZREM', a('drain'), LEAVING)", "it is in no order", "put back"
    ),
    Break(
        "nor those that are recyclable", "call('DEL', a('idle'))", "it is in no order", "put back"
    ),
    Break(
        "a guaranteed number looks unassigned",
        "call('ZADD', a('free'), 0, HELD)",
        _AGAINST.format("free"),
        "taken out of there",
    ),
    Break(
        "an unassigned one looks guaranteed",
        "call('ZADD', a('guard'), 0, FREE)",
        _AGAINST.format("guard"),
        "taken out of there",
    ),
    Break(
        "a guaranteed one looks as if it left",
        "call('ZADD', a('drain'), 0, HELD)",
        _AGAINST.format("drain"),
        "taken out of there",
    ),
    Break(
        "a guaranteed one looks recyclable",
        "call('ZADD', a('idle'), -1, '00000000000' .. HELD)",
        _AGAINST.format("idle"),
        "taken out of there",
    ),
    Break(
        "a recyclable number is in two orders",
        "call('ZADD', a('guard'), until_of(DUE), DUE)",
        "it is in two orders",
        "taken out of one",
    ),
    Break(
        "an order ends a guarantee early",
        "call('ZADD', a('guard'), 0, HELD)",
        "its order has another end of its guarantee",
        "the record's end",
    ),
    Break(
        "an order has a stranger",
        "call('ZADD', a('free'), 0, NOBODYS)",
        _STRANGER.format("free"),
        "taken out",
    ),
    Break(
        "so has the recycle order",
        "call('ZADD', a('idle'), -9, '00000000000' .. NOBODYS)",
        _STRANGER.format("idle"),
        "taken out",
    ),
    Break(
        "so has the order before an edit",
        "call('ZADD', a('stale'), -9, '00000000000' .. NOBODYS)",
        _STRANGER.format("stale"),
        "taken out",
    ),
    Break(
        "so has a shelf",
        "call('ZADD', a('shelves'), 0, ':00000000000' .. NOBODYS)",
        _STRANGER.format("shelves"),
        "taken out",
    ),
    Break(
        "shelves of areas are lost",
        "call('DEL', a('shelves'))",
        "it is not on the shelf of its area",
        "put there",
    ),
    Break(
        "a number has a wrong area",
        "edit(a('numbers'), FREE, 11, '+1999')",
        "it is in another area",
        "the area of the pool's rules",
    ),
    Break(
        "the order before an edit is forgotten",
        "call('RENAME', a('idle'), a('stale'))",
        "an earlier order is left over",
        "heeded",
    ),
    Break(
        "a tuple doesn't find its number",
        "call('HDEL', a('tuples'), 'w=held')",
        "its tuple does not lead to it",
        "found again",
    ),
    Break(
        "a tuple finds a number that it hasn't",
        "call('HSET', a('tuples'), 'w=x', FREE)",
        "a tuple leads to it that does not hold it",
        "the tuple is free for another",
    ),
    Break(
        "two numbers have one tuple",
        "edit(a('numbers'), DUE, 1, 'w=held')",
        "its tuple has another number too",
        "the tuple keeps the one that it is answered with",
    ),
    Break(
        "a promised number's record is lost",
        "call('HDEL', a('numbers'), HELD)",
        "its record is lost",
        "made again: tuple and end of the guarantee are known",
    ),
    Break(
        "it can't be read",
        "call('HSET', a('numbers'), HELD, 'x')",
        "its record is lost",
        "made again, likewise",
    ),
    Break(
        "it says that nobody has it",
        "edit(a('numbers'), HELD, 2, 0)",
        "its record is lost",
        "made again, likewise",
    ),
    Break(
        "a leaving one's record is lost",
        "call('HDEL', a('numbers'), LEAVING)",
        "its record is lost",
        "made again, likewise",
    ),
    Break(
        "record and tuple are lost",
        "call('HDEL', a('numbers'), HELD) call('HDEL', a('tuples'), 'w=held')",
        "its record is lost",
        "nobody gets it before the guarantee is over",
        ["w=held"],
    ),
    Break(
        "a record can't be read, nor who has it",
        "call('HSET', a('numbers'), FREE, 'x')",
        "its record can not be read",
        _WAITS,
    ),
    Break(
        "all records are lost",
        "call('DEL', a('numbers'))",
        "its record is lost",
        "made again, or nobody gets it before a whole guarantee is over",
    ),
    Break(
        "a key of a pool is of another kind",
        "for _, name in ipairs({ 'guard', 'numbers', 'outbox', 'idle' }) do"
        " call('DEL', a(name)) call('SET', a(name), 'x') end",
        "another kind of key is where its numbers should be",
        "removed; what was there, see below",
        ["w=held", "w=leaving"],
    ),
    Break(
        "something in a pool isn't a number",
        "call('HSET', a('numbers'), '\\255', call('HGET', a('numbers'), FREE))"
        " call('ZADD', a('free'), 0, '\\255') edit(a('meta'), 'state', 2, 6)",
        "it is not a number",
        "removed",
    ),
    Break(
        "the pool is counted wrong",
        "edit(a('meta'), 'state', 2, 99)",
        "its size is counted as 99, and is 5",
        "counted",
    ),
    Break(
        "so are assignments",
        "edit(a('meta'), 'state', 3, 0)",
        "its assignment is not counted",
        "counted",
    ),
    Break(
        "the counters are lost",
        "call('HDEL', a('meta'), 'state')",
        "its counters are lost",
        "what can be counted is; totals begin at 0",
    ),
    Break(
        "a pool has no rules",
        "call('HDEL', a('meta'), 'rules')",
        "the configuration names it, but the store has no such pool",
        "the configuration's; totals begin at 0",
    ),
    Break(
        "they can't be read",
        "call('HSET', a('meta'), 'rules', 'x')",
        "its rules can not be read",
        "the configuration's; totals begin at 0",
    ),
    Break(
        "they aren't the configuration's",
        "edit(a('meta'), 'rules', 3, 1)",
        "its rules aren't the configuration's",
        "the configuration's",
    ),
    Break(
        "former holders of a number that isn't there",
        "call('HSET', a('history'), NOBODYS, 'x')",
        "its former holders are kept without it",
        "removed",
    ),
    Break(
        "former holders can't be read",
        "call('HSET', a('history'), HELD, 'x')",
        "its former holders can not be read",
        "removed",
    ),
    Break(
        "a click of nobody's is kept",
        "call('HSET', a('clicks'), FREE .. ':f', 'x')",
        "a click of it is kept, and nobody has it",
        "removed",
    ),
    Break(
        "a call would be remembered for ever",
        "call('DEL', a('calls_by_time'))",
        "a call is never forgotten",
        "forgotten in 30 days",
    ),
    Break(
        "a call is to be forgotten twice",
        "call('ZADD', a('calls_by_time'), 0, 'x')",
        "a call is to be forgotten that is not known",
        "removed",
    ),
    Break(
        "where a number went can't be read",
        "call('HSET', a('outbox'), NOBODYS, 'x')",
        "where it went can not be read",
        "removed; whose the number is, see below",
    ),
    Break(
        "a visitor's network is counted wrong",
        "call('HSET', a('meta'), '192.0.2.0/24', string.rep('\\0', 9) .. '\\9')",
        "what a client network has is counted wrong",
        "counted",
    ),
    Break(
        "what happened in a pool can't be read",
        "call('HSET', a('series'), 'base', 'x')",
        "what happened in its minutes and hours can not be read",
        "removed; the series begins anew",
    ),
    Break(
        "what a pool gave back lately can't be read",
        "call('HSET', a('meta'), 'shrunk', pack({ 1, 'x', 0, 0 }))",
        "what it gave back lately can not be read",
        "forgotten",
    ),
)
STOCKS = (
    Break(
        "a stock's records are lost",
        "call('DEL', s('numbers'))",
        "it is nowhere, and stock s's",
        "here, for longer than any guarantee; lent where a pool has it",
    ),
    Break(
        "something in a stock isn't a number",
        "call('HSET', s('numbers'), 'x', call('HGET', s('numbers'), SPARE))",
        "it is not a number",
        "removed",
    ),
    Break(
        "a key of a stock is of another kind",
        "call('DEL', s('numbers')) call('SET', s('numbers'), 'x')",
        "another kind of key is where its numbers should be",
        "removed; what was there, see below",
    ),
    Break(
        "a number that is in its stock can't be found",
        "call('ZREM', s('available'), SPARE)",
        "it is here, but can not be found",
        "found again, when a quarantine is over",
    ),
    Break(
        "the stock's shelves are lost",
        "call('DEL', s('shelves'))",
        "it is not on the shelf of its area",
        "put there",
    ),
    Break(
        "a stock would lend a stranger",
        "call('ZADD', s('available'), 0, NOBODYS)",
        _AGAINST.format("available"),
        "taken out",
    ),
    Break(
        "or from a shelf",
        "call('ZADD', s('shelves'), 0, ':00000000000' .. NOBODYS)",
        _AGAINST.format("shelves"),
        "taken out",
    ),
    Break(
        "or one that is lent",
        "call('ZADD', s('available'), 0, LENT)",
        _AGAINST.format("available"),
        "taken out",
    ),
    Break(
        "a number is here and on its way",
        "call('HSET', s('moving'), SPARE, pack({ 'b', 0 }))",
        _AGAINST.format("moving"),
        "it is here",
    ),
    Break(
        "a loan's name could come again",
        "call('HSET', s('meta'), 'last_loan', 0)",
        "its loan could be given again",
        "counted",
    ),
    Break(
        "a stock's record can't be read",
        "call('HSET', s('numbers'), SPARE, 'x')",
        "its record can not be read",
        "here, for longer than any guarantee; lent where a pool has it",
    ),
    Break(
        "a lent number's can't be",
        "call('HSET', s('numbers'), LENT, 'x')",
        "stock s doesn't know it, and pool b has it",
        "likewise",
    ),
    Break(
        "former holders of what isn't the stock's",
        "call('HSET', s('history'), NOBODYS, 'x')",
        "its former holders are kept without it",
        "removed",
    ),
    Break(
        "a stock has no quarantine",
        "call('HDEL', s('meta'), 'quarantine')",
        "its quarantine isn't the configuration's",
        "the configuration's",
    ),
)
PLACES = (
    Break(
        "a number is in two pools",
        "add(b, HELD, 0)",
        "it is in pool b too",
        "where it is promised, or whose it is",
    ),
    Break(
        "it is another's by the index, too",
        "add(b, HELD, 0) call('HSET', c('owners'), HELD, 'pool/b')",
        "it is in pool b too",
        "where it is promised",
    ),
    Break(
        "a number is promised in two pools",
        "add(b, HELD, now())",
        "it is promised in pools a and b",
        _LEFT,
        stays=True,
    ),
    Break(
        "a number is promised in a pool that it isn't of",
        "add(b, FREE, now())",
        "pool/a lists it too",
        "it is of the pool where it is promised",
    ),
    Break(
        "a pool's number is in a stock",
        "call('HSET', s('numbers'), HELD, pack({ '', 0, 0 }))"
        " call('ZADD', s('available'), 0, HELD)",
        "it is in stock s too",
        "not the stock's",
    ),
    Break(
        "a stock doesn't know that it lent a number",
        "edit(s('numbers'), LENT, 1, '') call('ZADD', s('available'), 0, LENT)",
        "stock s doesn't know that it is lent, and pool b has it",
        "lent",
    ),
    Break(
        "a stock has forgotten what it lent",
        "call('HDEL', s('numbers'), LENT)",
        "stock s doesn't know it, and pool b has it",
        "lent",
    ),
    Break(
        "a stock has forgotten what it has",
        "call('HDEL', s('numbers'), SPARE) lose_in_stock(SPARE)",
        "it is nowhere, and stock s's",
        "here, for longer than any guarantee",
    ),
    Break(
        "a stock has lent what nobody has",
        "call('HSET', s('numbers'), SPARE, pack({ 'b', 5, 0 })) lose_in_stock(SPARE)",
        "stock s has lent it to pool b, which doesn't have it",
        f"in the pool; {_WAITS}",
    ),
    Break(
        "a stock has lent to a pool that isn't there",
        "call('HSET', s('numbers'), SPARE, pack({ 'zz', 5, 0 })) lose_in_stock(SPARE)",
        "stock s has lent it to pool zz, which isn't there",
        "here, for longer than any guarantee",
    ),
    Break(
        "a loan has two names",
        "edit(b('numbers'), LENT, 10, 's@1')",
        "pool b has it by another loan than stock s knows",
        "the stock's",
    ),
    Break(
        "a pool takes a lent number for its own",
        "edit(b('numbers'), LENT, 10, '')",
        "pool b has it by another loan than stock s knows",
        "the stock's",
    ),
    Break(
        "a pool takes its own number for lent",
        "edit(a('numbers'), HELD, 10, 's@5')",
        "pool a has it by a loan, and owns it",
        "its own",
    ),
    Break(
        "a pool doesn't have its number",
        "lose(a, FREE)",
        "it isn't in pool a",
        f"in the pool; {_WAITS}",
    ),
    Break(
        "nor one that it promised",
        "lose(a, HELD) call('HDEL', a('tuples'), 'w=held')",
        "it isn't in pool a",
        f"in the pool; {_WAITS}",
        ["w=held"],
    ),
    Break(
        "a pool has lost everything",
        "for _, name in ipairs({ 'meta', 'tuples', 'numbers', 'free', 'guard', 'idle', 'drain', "
        "'shelves' }) do call('DEL', a(name)) end",
        "it isn't in pool a",
        f"made again; of its numbers, {_WAITS}",
        ["w=held", "w=leaving"],
    ),
    Break(
        "the index of owners has lost a number",
        "call('HDEL', c('owners'), HELD)",
        "it belongs to nobody by the index, and is pool/a's",
        "the list's owner",
    ),
    Break(
        "all of them",
        "call('DEL', c('owners'))",
        "it belongs to nobody by the index, and is stock/s's",
        "the lists' owners",
    ),
    Break(
        "the index names another owner",
        "call('HSET', c('owners'), HELD, 'pool/b')",
        "it belongs to pool/b by the index, and is pool/a's",
        "whose it is where it is promised",
    ),
    Break(
        "the index says that a listed number leaves",
        "call('HSET', c('owners'), HELD, 'pool/a/leaving')",
        "it belongs to pool/a (leaving) by the index, and is pool/a's",
        "it stays",
    ),
    Break(
        "an owner's list lacks a number",
        "listed('pool/a', without(HELD))",
        "pool/a doesn't list it",
        "listed",
    ),
    Break(
        "the whole list is lost",
        "call('DEL', c('list:stock/s'))",
        "stock/s doesn't list it",
        "listed",
    ),
    Break(
        "it names a number twice",
        "listed('pool/a', function(list) return list .. ' ' .. HELD end)",
        "pool/a lists it twice",
        "listed once",
    ),
    Break(
        "two lists name a number",
        "call('HSET', c('list:pool/b'), '1', HELD)",
        "pool/b lists it too",
        "whose it is where it is",
    ),
    Break(
        "a number that is to leave stays",
        "edit(a('numbers'), LEAVING, 8, 0) call('ZREM', a('drain'), LEAVING) "
        "call('ZADD', a('guard'), until_of(LEAVING), LEAVING)",
        "it is to leave pool a, and doesn't",
        "leaves when its guarantee is over",
    ),
    Break(
        "a number that is to stay leaves",
        "edit(a('numbers'), HELD, 8, 1) call('ZREM', a('guard'), HELD) "
        "call('ZADD', a('drain'), until_of(HELD), HELD)",
        "it leaves pool a, and isn't to",
        "stays",
    ),
    Break(
        "a stock's number that is to leave stays",
        "listed('stock/s', without(SPARE)) call('HSET', c('owners'), SPARE, 'stock/s/leaving')",
        "it is to leave stock s, and doesn't",
        "leaves",
    ),
    Break(
        "a stock's number that is to stay leaves",
        "edit(s('numbers'), SPARE, 3, 1)",
        "it leaves stock s, and isn't to",
        "stays",
    ),
    Break(
        "a number belongs to a pool that isn't there",
        "call('HSET', c('owners'), NOBODYS, 'pool/zz')",
        "it belongs to pool/zz, which isn't there",
        "nobody's",
    ),
    Break(
        "a number that has left belongs to its stock",
        "call('HSET', c('owners'), NOBODYS, 'stock/s/leaving')",
        "it has left stock s, and still belongs to it",
        "nobody's",
    ),
    Break(
        "a number is in a pool, and nobody lists it",
        "add(b, NOBODYS, 0)",
        "it belongs to nobody by the index, and is pool/b's",
        "leaves",
    ),
    Break(
        "a number that left its pool by mistake",
        "lose(a, FREE) call('HSET', a('outbox'), FREE, pack({ '', now(), '', 0 })) "
        "edit(a('meta'), 'state', 2, 4)",
        "it has left pool a",
        "back",
    ),
)
CATALOG = (
    Break(
        "a version of what isn't there",
        "call('HSET', c('versions'), 'pool/zz', 'x')",
        "a version of what is not there",
        "removed",
    ),
    Break(
        "areas of a pool that isn't there",
        "call('HSET', c('documents'), 'areas/zz', ' +1212 ')",
        "areas of a pool that is not there",
        "removed",
    ),
    Break(
        "the kind of a pool that isn't there",
        "call('HSET', c('documents'), 'kinds/zz', ' +1212 ')",
        "kinds of a pool that is not there",
        "removed",
    ),
    Break(
        "former holders that are never forgotten",
        "call('HSET', c('histories'), NOBODYS, 'x')",
        "its former holders are never forgotten",
        "forgotten in 30 days",
    ),
    Break(
        "former holders to forget that aren't there",
        "call('ZADD', c('departed'), now(), NOBODYS)",
        "former holders of it are to be forgotten, and there are none",
        "removed",
    ),
    Break(
        "the log tells of an account that isn't there",
        "call('HSET', c('changes'), 'since/account/zz', '1')",
        "of an account that is not there",
        "removed",
    ),
    Break(
        "the log's size is wrong",
        "call('HSET', c('state'), 'changes_bytes', 1)",
        "changes_bytes of the log of changes is counted wrong",
        "counted",
    ),
    Break(
        "its first change is",
        "call('HDEL', c('state'), 'changes_first')",
        "changes_first of the log of changes is counted wrong",
        "counted",
    ),
    Break(
        "the size of its details is",
        "call('HSET', c('state'), 'details_bytes', 1)",
        "details_bytes of the log of changes is counted wrong",
        "counted",
    ),
    Break(
        "a pool's account isn't there",
        "document('pool/b', '\"acme\"', '\"zz\"')",
        "its account zz isn't there",
        _LEFT,
        stays=True,
    ),
    Break(
        "a pool's stock isn't there",
        "document('pool/b', '\"s\"', '\"zz\"') edit(b('meta'), 'rules', 9, 'zz')",
        "its stock zz isn't there",
        _LEFT,
        stays=True,
    ),
    Break(
        "two accounts have one API key",
        "call('HSET', c('documents'), 'account/zz', call('HGET', c('documents'), 'account/acme'))"
        ' document(\'account/zz\', \'"id":"acme"\', \'"id":"zz"\')',
        "account acme's too",
        _LEFT,
        stays=True,
    ),
)
KEYS = (
    Break(
        "keys of a pool that isn't there",
        "call('ZADD', 'rp:{zz}:free', 0, NOBODYS)",
        "1, and no such pool is configured",
        "removed",
    ),
    Break(
        "the same, with a guarantee in them",
        "call('ZADD', 'rp:{zz}:guard', now() + 60000, NOBODYS)",
        "1, and no such pool is configured; a guarantee runs in them until",
        "left, until that is over",
        stays=True,
    ),
    Break(
        "keys of a stock that isn't there",
        "call('HSET', 'rp:{stock:zz}:numbers', NOBODYS, pack({ '', 0, 0 }))",
        "1, and no such stock is configured",
        "removed",
    ),
    Break(
        "a list of numbers of what isn't there",
        "call('HSET', c('list:pool/zz'), '0', NOBODYS)",
        "1, and no such owner is configured",
        "removed",
    ),
    Break(
        "a key of another make",
        "call('SET', 'rp:{a}:x', '1')",
        "rp:{a}:x: this version doesn't know what it is",
        "left: a later version's, or another program's",
        stays=True,
    ),
)
EVERY = (*POOLS, *STOCKS, *PLACES, *CATALOG, *KEYS)
