"""For managers: the numbers in a stock, where each is, and how many are where."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from allocator.answers import StockRow, StockState
from api.http import replies
from api.http.description import parameter
from api.http.paging import PAGE_REFUSALS
from api.http.replies import Reply
from api.http.request import Request
from api.managers.callers import ManagedOperation, callers_stock
from api.managers.managed_endpoint import managed_endpoint
from api.managers.scanned_page import SCANNED_PAGE, scanned_page
from ringpool.model import Identifier, NumberType
from ringpool.numbers import kinds
from ringpool.times import format_rfc3339


class StockNumber(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One number of a stock.

    ``available_from``: when it may be lent again; only while it rests. ``draining``: removed, and
    gone when it is back. ``calls``: how many came since it is in the stock, ``last_call``: when
    the last of these began; it isn't lent before it was quiet for a while.
    """

    number: str
    country: str
    types: list[NumberType]
    state: StockState
    pool: str = ""
    available_from: str = ""
    draining: bool = False
    calls: int = 0
    last_call: str = ""


class StockNumbers(Struct, frozen=True, omit_defaults=True):
    """``next``: the ``after`` of the next page, absent on the last."""

    numbers: list[StockNumber]
    next: str = ""


class StockCounts(Struct, frozen=True, kw_only=True):
    """A stock's numbers, counted; the last four add up to ``size``."""

    size: int
    available: int
    resting: int
    lent: int
    moving: int


async def _list(request: Request) -> Reply:
    stock = await callers_stock(request)
    after, limit = scanned_page(request)
    following, rows = await request.services.stocks.numbers(stock.id, after, limit)
    numbers = [stock_number(row) for row in rows]
    return replies.json(StockNumbers(numbers, "" if following == "0" else following))


async def _status(request: Request) -> Reply:
    stock = await callers_stock(request)
    status = await request.services.stocks.status(stock.id)
    return replies.json(
        StockCounts(
            size=status.size,
            available=status.available,
            resting=status.quarantined,
            lent=status.lent,
            moving=status.moving,
        )
    )


def stock_number(row: StockRow) -> StockNumber:
    """A number of a stock as managers see it."""
    kind = kinds.kind(row.number)
    resting = row.state is StockState.RESTING
    return StockNumber(
        number=row.number,
        country=kind.country,
        types=[each for each in NumberType if each in kind.types],
        state=row.state,
        pool=row.pool,
        available_from=format_rfc3339(row.available_from) if resting else "",
        draining=row.leaving,
        calls=row.calls,
        last_call=format_rfc3339(row.last_call) if row.last_call else "",
    )


_ID = parameter("id", Identifier, "path", text="The stock's id", example="us-toll-free")
_EXAMPLE = StockNumbers(
    [
        StockNumber(
            number="+18885550150",
            country="US",
            types=[NumberType.TOLL_FREE],
            state=StockState.AVAILABLE,
        )
    ]
)
_EXAMPLE_COUNTS = StockCounts(size=3, available=1, resting=1, lent=1, moving=0)
_UNKNOWN = {404: ("UnknownStock", "there is no stock 'us-toll-free'")}

stock_numbers = managed_endpoint(
    "stock_numbers",
    {"GET": _list},
    [
        ManagedOperation(
            "GET",
            "list_stock_numbers",
            "The numbers in a stock and where each is",
            {200: StockNumbers},
            (400, 401, 404),
            (_ID, *SCANNED_PAGE),
            tag="stocks",
            refusals={**PAGE_REFUSALS, **_UNKNOWN},
            text="With its kind, the pool that it is lent to, or until when it rests. The stock "
            "may change between two pages.",
            examples={200: msgspec.to_builtins(_EXAMPLE)},
        )
    ],
)

stock_status = managed_endpoint(
    "stock_status",
    {"GET": _status},
    [
        ManagedOperation(
            "GET",
            "get_stock_status",
            "A stock's numbers, counted",
            {200: StockCounts},
            (401, 404),
            [_ID],
            tag="stocks",
            refusals=_UNKNOWN,
            text="How many may be lent now, rest, are lent to pools, and are on their way there.",
            examples={200: msgspec.to_builtins(_EXAMPLE_COUNTS)},
        )
    ],
)
