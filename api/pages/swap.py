"""For pages: which numbers to show, and the calls that keep or release them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from time import time
from typing import NamedTuple

from msgspec import Struct

from allocator.allocator import UnknownPool
from allocator.answers import Answer, State
from allocator.port import StoreUnavailable
from allocator.worker.cache import CachedAssignment
from api.http import lookups, replies
from api.http.description import Operation, parameter, response
from api.http.endpoint import Endpoint
from api.http.refusals import Refusal
from api.http.replies import Reply
from api.http.request import Request
from api.http.services import Services
from api.pages import origins
from api.pages.page_operations import (
    PAGE_PARAMETERS,
    PAGE_REFUSALS,
    NotEmpty,
    beacon_operations,
)
from api.pages.swap_answers import KnownSwaps, NoSwap, Swap, SwapError, Swaps, say
from ringpool.catalog.snapshot import PreparedPool
from ringpool.faults import Fault
from ringpool.model import Account, NumberFormat, Pool, PoolType
from ringpool.numbers import phone
from ringpool.times import format_rfc3339
from ringpool.visits import crawlers, per_click
from ringpool.visits.click import Click
from ringpool.visits.per_click import SplitQuery
from ringpool.visits.queries import read_query

MAX_TARGETS = 100
MAX_FORM_BYTES = 16 * 1024

_CALLBACK = re.compile(r"[A-Za-z_$][A-Za-z0-9_$.]{0,63}")
_TARGET = re.compile(r"\+?\d{4,15}(;ext=\d{1,11})?")


class Verdict(Struct, frozen=True):
    """The answer of ``/v1/verify``."""

    valid: bool


class _Wanted(NamedTuple):
    """The pools that a page asks, each with the targets it would replace there."""

    pools: Mapping[str, tuple[PreparedPool, Sequence[str]]]
    unknown: Sequence[str]


@lru_cache(maxsize=16_384)
def _written(number: str, style: NumberFormat) -> tuple[str, str, str, str]:
    """The number for display, national, international, and its country code.

    Without the page's own text at hand, ``as_found`` is written nationally: the script has it.
    """
    return (
        phone.display(number, style),
        phone.national(number),
        phone.international(number),
        phone.country_code(number),
    )


class _Given(NamedTuple):
    """A pool's answer to a page, and the tuple that it is for."""

    answer: Answer
    tuple: str


class _Asked(NamedTuple):
    """All that an answer depends on, but for what is a click's own."""

    parts: tuple[bytes, ...]
    origin: str


class _Withheld(NamedTuple):
    """Why a pool gives a page nothing."""

    reason: str
    message: str = ""


async def _swap(request: Request) -> Reply:
    is_phone = crawlers.is_phone(request.scope)
    takes_nothing = crawlers.takes_nothing(request.scope)
    parted = per_click.of_page(request.query_string)
    asked = _Asked(parted.asked, request.header(b"origin"))
    directory = request.services.snapshot  # it may be another by the time the store has answered
    if not takes_nothing and (known := _known(request, parted, asked, is_phone)) is not None:
        return known
    parameters = request.parameters()
    callback = _callback(parameters)
    account = await lookups.account(request.services, parameters)
    cors = origins.allowed(request, account)
    wanted = await _wanted(request, account, parameters)
    results: Sequence[_Given | _Withheld]
    if takes_nothing:
        results = [_Withheld("not_a_visitor")] * len(wanted.pools)
    else:
        click = _click(parameters, is_phone)
        pools = [prepared.pool for prepared, _ in wanted.pools.values()]
        if len(pools) == 1:  # most pages: no task needed
            results = [await _ask(request, pools[0], click)]
        else:
            results = await asyncio.gather(*(_ask(request, pool, click) for pool in pools))
    said = _said(wanted, results)
    held = _held(request.services, wanted, results)
    if held is not None and _same_for_all(request, account, wanted, parted, callback):
        answer = KnownSwaps(said, cors)
        size = sum(map(len, (*asked.parts, asked.origin))) + answer.size
        request.services.swap_responses.keep(asked, directory, held, answer, size)
    return say(callback, said, cors)


def _known(request: Request, parted: SplitQuery, asked: _Asked, is_phone: bool) -> Reply | None:
    """The answer by heart to what was asked before."""
    callback = parted.value(b"callback").decode("ascii")
    if callback and not _CALLBACK.fullmatch(callback):
        return None
    services, query = request.services, request.query_string
    attributes = partial(_attributes, query, is_phone)
    known = services.swap_responses.give(asked, services.snapshot, attributes)
    return None if known is None else known.reply(callback)


def _attributes(query: bytes, is_phone: bool) -> bytes:
    """What is to be kept of a click that was answered by heart."""
    return _click(read_query(query), is_phone).attributes()


def _held(
    services: Services, wanted: _Wanted, results: Sequence[_Given | _Withheld]
) -> Sequence[CachedAssignment] | None:
    """The numbers of an answer, if all were held before and are known to be for longer."""
    every = []
    for pool_id, result in zip(wanted.pools, results, strict=True):
        if not isinstance(result, _Given) or result.answer.state is not State.HELD:
            return None
        held = services.answers.peek(pool_id, result.tuple)
        if held is None:
            return None
        every.append(held)
    return every


def _same_for_all(
    request: Request, account: Account, wanted: _Wanted, parted: SplitQuery, callback: str
) -> bool:
    """Whether other visitors who ask the same get the same answer, as long as it holds."""
    told = request.header(b"origin") or not account.origins  # else by referrer, which isn't known
    return (
        bool(told)
        and callback == parted.value(b"callback").decode("ascii")  # else it isn't found again
        and parted.fits(prepared.pool for prepared, _ in wanted.pools.values())
    )


async def _ask(request: Request, pool: Pool, click: Click) -> _Given | _Withheld:
    try:
        ask = click.ask(pool)
        answer = await request.services.answers.allocate(pool.id, ask)
    except Fault as error:
        return _Withheld("invalid_parameter", str(error))
    except StoreUnavailable:
        return _Withheld("store_unavailable")
    except UnknownPool:
        return _Withheld("unknown_pool")
    return _Withheld("exhausted") if answer.state is State.NONE else _Given(answer, ask.tuple)


def _said(wanted: _Wanted, results: Sequence[_Given | _Withheld]) -> Swaps:
    """What the pools gave, target by target."""
    nothing = [NoSwap(target=target, reason="unknown_target") for target in wanted.unknown]
    swaps: list[Swap] = []
    for (prepared, targets), result in zip(wanted.pools.values(), results, strict=True):
        pool = prepared.pool
        if isinstance(result, _Given):
            swaps += [_entry(target, pool.id, pool.format, result.answer) for target in targets]
        else:
            nothing += [
                NoSwap(target=target, reason=result.reason, pool=pool.id, message=result.message)
                for target in targets
            ]
    return Swaps(swaps=swaps, none=nothing)


def _entry(target: str, pool_id: str, style: NumberFormat, answer: Answer) -> Swap:
    display, national, international, country = _written(answer.number, style)
    return Swap(
        target=target,
        number=answer.number,
        display=display,
        national=national,
        international=international,
        cc=country,
        state=answer.state,
        guaranteed_until=format_rfc3339(answer.guaranteed_until) if answer.guaranteed_until else "",
        hold_ms=answer.hold_ms,
        pool=pool_id,
    )


async def _ping(request: Request) -> Reply:
    """Keep-alive: the visitor is still on the page, which may extend guarantees."""

    async def touch(pool: Pool, click: Click) -> None:
        await request.services.allocator.touch(pool.id, [click.ask(pool, clicks=0)])

    return await _signal(request, touch)


async def _release(request: Request) -> Reply:
    """The visitor leaves. Only visitor pools let go: other tuples belong to many visitors."""

    async def release(pool: Pool, click: Click) -> None:
        if pool.type is PoolType.VISITOR:
            await request.services.allocator.release(pool.id, [click.ask(pool).tuple])

    return await _signal(request, release)


async def _signal(request: Request, tell: Callable[[Pool, Click], Awaitable[None]]) -> Reply:
    """Tell each pool that swap would ask. One that can't make a tuple of this visit has none."""
    parameters = await request.form(MAX_FORM_BYTES)
    account = await lookups.account(request.services, parameters)
    cors = origins.allowed(request, account)
    wanted = await _wanted(request, account, parameters)
    if not crawlers.takes_nothing(request.scope):
        click = _click(parameters, crawlers.is_phone(request.scope))

        async def told(pool: Pool) -> None:
            with suppress(Fault, UnknownPool):
                await tell(pool, click)

        await asyncio.gather(*(told(prepared.pool) for prepared, _ in wanted.pools.values()))
    return replies.empty([replies.NO_STORE, *cors])


async def _verify(request: Request) -> Reply:
    """Whether a tracking link's number was signed here and may still be shown."""
    parameters = request.parameters()
    callback = _callback(parameters)
    number, pool, expires, signature = (
        lookups.required(parameters, name) for name in ("rp_number", "rp_pool", "rp_exp", "rp_sig")
    )
    if not re.fullmatch(r"\d{1,12}", expires, re.ASCII):
        raise Fault("rp_exp", "expected Unix seconds")
    valid = int(expires) > time() and request.services.keyring.signer.verify(
        number, pool, int(expires), signature
    )
    return say(callback, Verdict(valid), [origins.ANY])


async def _preflight(request: Request) -> Reply:
    account = await lookups.account(request.services, request.parameters())
    return replies.empty(origins.preflight(origins.allowed(request, account)))


def _callback(parameters: Mapping[str, str]) -> str:
    """The name of the page's function; "" without ``callback``, which means plain JSON."""
    name = parameters.get("callback", "")
    if "callback" in parameters and not _CALLBACK.fullmatch(name):
        raise Fault("callback", "expected a function's name, 64 characters at most")
    return name


async def _wanted(request: Request, account: Account, parameters: Mapping[str, str]) -> _Wanted:
    """Which pools the page asks: those of ``targets``, of ``pool``, or of every target."""
    by_target = request.services.snapshot.targets(account.id)
    if pool_id := parameters.get("pool", ""):
        only = await lookups.pool(request.services, pool_id)
        if only.pool.account != account.id:
            raise lookups.unknown_pool(pool_id)
        by_target = dict.fromkeys(only.pool.swap_targets, only)
        if not by_target:
            return _Wanted({pool_id: (only, [""])}, [])
    on_page = _targets(parameters["targets"]) if "targets" in parameters else tuple(by_target)
    pools: dict[str, tuple[PreparedPool, list[str]]] = {}
    unknown = []
    for target in on_page:
        prepared = by_target.get(target)
        if prepared is None:
            unknown.append(target)
        else:
            pools.setdefault(prepared.pool.id, (prepared, []))[1].append(target)
    return _Wanted(pools, unknown)


@lru_cache(maxsize=1024)
def _targets(text: str) -> tuple[str, ...]:
    """The numbers in ``targets``, split by commas. A plus that became a blank in the URL counts."""
    targets = [target.strip() for target in text.split(",") if target.strip()]
    if len(targets) > MAX_TARGETS:
        raise Fault("targets", f"at most {MAX_TARGETS}")
    for target in targets:
        if not _TARGET.fullmatch(target):
            raise Fault("targets", f"{target[:40]!r} is not a number in E.164")
    return tuple(dict.fromkeys(f"+{target.removeprefix('+')}" for target in targets))


def _click(parameters: Mapping[str, str], is_phone: bool) -> Click:
    return Click(
        parameters.get("url", ""),
        parameters.get("ref", ""),
        parameters,
        parameters.get("visitor", ""),
        {"device": "phone" if is_phone else "other"},
    )


def _error_form(request: Request, refused: Refusal) -> Reply:
    """``{"error": …, "swaps": []}``: as JSONP with status 200 when there is a fit callback."""
    value = Swaps(error=SwapError(class_=refused.kind, message=refused.message), swaps=())
    headers = [*refused.headers, *([] if refused.status == 403 else [origins.ANY])]
    callback = read_query(request.query_string, lenient=True).get("callback", "")
    if request.method == "GET" and _CALLBACK.fullmatch(callback):
        return replies.jsonp(callback, value, headers)
    return replies.json(value, refused.status, headers)


_SWAP = Operation(
    "GET",
    "swap",
    "Which numbers a page shows; with callback=NAME as JSONP",
    {200: Swaps, **PAGE_REFUSALS},
    parameters=PAGE_PARAMETERS,
)
_VERIFY = Operation(
    "GET",
    "verify",
    "Whether a tracking link's number is ours; with callback=NAME as JSONP",
    {200: Verdict, 400: response("A parameter is missing", Swaps)},
    parameters=(
        parameter("rp_number", NotEmpty, required=True),
        parameter("rp_pool", NotEmpty, required=True),
        parameter("rp_exp", {"type": "string", "pattern": "^[0-9]{1,12}$"}, required=True),
        parameter("rp_sig", NotEmpty, required=True),
    ),
)

swap = Endpoint("swap", _error_form, {"GET": _swap, "OPTIONS": _preflight}, [_SWAP])
ping = Endpoint(
    "ping",
    _error_form,
    {"GET": _ping, "POST": _ping, "OPTIONS": _preflight},
    beacon_operations("ping", "The visitor is still there"),
)
release = Endpoint(
    "release",
    _error_form,
    {"GET": _release, "POST": _release, "OPTIONS": _preflight},
    beacon_operations("release", "The visitor has left (visitor pools)"),
)
verify = Endpoint("verify", _error_form, {"GET": _verify}, [_VERIFY])
