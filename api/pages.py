"""For pages: which numbers to show, and the calls that keep or release them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from time import time
from typing import NamedTuple

from msgspec import Struct

from allocator.allocator import UnknownPool
from allocator.answers import Answer, State
from allocator.port import StoreUnavailable
from api import lookups, origins, replies, visitors
from api.clicks import Click
from api.endpoint import Endpoint
from api.presentation import moment
from api.refusals import Headers, Refusal
from api.replies import Reply
from api.request import Request
from ringpool import numbers
from ringpool.directory import PreparedPool
from ringpool.faults import Fault
from ringpool.model import Account, NumberFormat, Pool, PoolType
from ringpool.queries import read_query

MOST_TARGETS = 100
LONGEST_FORM = 16 * 1024

_CALLBACK = re.compile(r"[A-Za-z_$][A-Za-z0-9_$.]{0,63}")
_TARGET = re.compile(r"\+?\d{4,15}(;ext=\d{1,11})?")


class Swap(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One number for one target. ``cc``: country calling code of the number.

    ``target`` is "" when a pool without targets was asked for by name. Overflow has no
    ``guaranteed_until``, and its ``hold_ms`` is 0.
    """

    target: str
    number: str
    display: str
    national: str
    international: str
    cc: str
    state: State
    guaranteed_until: str = ""
    hold_ms: int
    pool: str


class NoSwap(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Why a target keeps the page's own number.

    ``reason``: ``exhausted``, ``store_unavailable``, ``not_a_visitor``, ``invalid_parameter``
    (with ``message``), ``unknown_target`` (no ``pool``) or ``unknown_pool`` (deleted just now).
    """

    target: str
    reason: str
    pool: str = ""
    message: str = ""


class SwapError(Struct, frozen=True, kw_only=True, rename={"class_": "class"}):
    """What was wrong with the request. ``class_`` is written ``class``."""

    class_: str
    message: str


class Swaps(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The answer of ``/v1/swap``; with ``error``, ``swaps`` is empty."""

    error: SwapError | None = None
    swaps: Sequence[Swap]
    none: Sequence[NoSwap] = ()


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
        numbers.display(number, style),
        numbers.national(number),
        numbers.international(number),
        numbers.country_code(number),
    )


async def _swap(request: Request) -> Reply:
    parameters = request.parameters()
    callback = _callback(parameters)
    account = await lookups.account(request.services, parameters)
    cors = origins.allowed(request, account)
    wanted = await _wanted(request, account, parameters)
    nothing = [NoSwap(target=target, reason="unknown_target") for target in wanted.unknown]
    swaps: list[Swap] = []
    if visitors.takes_nothing(request.scope):
        nothing += _nothing(wanted, "not_a_visitor")
    elif wanted.pools:
        click = _click(request, parameters)
        asked = [prepared for prepared, _ in wanted.pools.values()]
        if len(asked) == 1:  # most pages: no task needed
            results = [await _ask(request, asked[0], click)]
        else:
            results = await asyncio.gather(*(_ask(request, each, click) for each in asked))
        for (prepared, targets), result in zip(wanted.pools.values(), results, strict=True):
            pool = prepared.pool
            if isinstance(result, Answer):
                swaps += [_entry(target, pool.id, pool.format, result) for target in targets]
            else:
                reason, message = result
                nothing += [
                    NoSwap(target=target, reason=reason, pool=pool.id, message=message)
                    for target in targets
                ]
    return _say(callback, Swaps(swaps=swaps, none=nothing), cors)


async def _ask(request: Request, prepared: PreparedPool, click: Click) -> Answer | tuple[str, str]:
    """The pool's answer, or why there is none: a reason and a message."""
    try:
        ask = click.ask(prepared.pool)
        answer = await request.services.answers.allocate(prepared.pool.id, ask)
    except Fault as error:
        return "invalid_parameter", str(error)
    except StoreUnavailable:
        return "store_unavailable", ""
    except UnknownPool:
        return "unknown_pool", ""
    return ("exhausted", "") if answer.state is State.NONE else answer


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
        guaranteed_until=moment(answer.guaranteed_until) if answer.guaranteed_until else "",
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
    parameters = await request.form(LONGEST_FORM)
    account = await lookups.account(request.services, parameters)
    cors = origins.allowed(request, account)
    wanted = await _wanted(request, account, parameters)
    if not visitors.takes_nothing(request.scope):
        click = _click(request, parameters)

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
    return _say(callback, Verdict(valid), [origins.ANY])


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
    by_target = request.services.directory.targets(account.id)
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
    if len(targets) > MOST_TARGETS:
        raise Fault("targets", f"at most {MOST_TARGETS}")
    for target in targets:
        if not _TARGET.fullmatch(target):
            raise Fault("targets", f"{target[:40]!r} is not a number in E.164")
    return tuple(dict.fromkeys(f"+{target.removeprefix('+')}" for target in targets))


def _click(request: Request, parameters: Mapping[str, str]) -> Click:
    return Click(
        parameters.get("url", ""),
        parameters.get("ref", ""),
        parameters,
        parameters.get("visitor", ""),
        {"device": "phone" if visitors.is_phone(request.scope) else "other"},
    )


def _nothing(wanted: _Wanted, reason: str) -> list[NoSwap]:
    return [
        NoSwap(target=target, reason=reason, pool=pool_id)
        for pool_id, (_, targets) in wanted.pools.items()
        for target in targets
    ]


def _say(callback: str, value: object, cors: Headers) -> Reply:
    return replies.jsonp(callback, value, cors) if callback else replies.json(value, headers=cors)


def _error_form(request: Request, refused: Refusal) -> Reply:
    """``{"error": …, "swaps": []}``: as JSONP with status 200 when there is a fit callback."""
    value = Swaps(error=SwapError(class_=refused.kind, message=refused.message), swaps=())
    headers = [*refused.headers, *([] if refused.status == 403 else [origins.ANY])]
    callback = read_query(request.query_string, lenient=True).get("callback", "")
    if request.method == "GET" and _CALLBACK.fullmatch(callback):
        return replies.jsonp(callback, value, headers)
    return replies.json(value, refused.status, headers)


swap = Endpoint("swap", _error_form, {"GET": _swap, "OPTIONS": _preflight})
ping = Endpoint("ping", _error_form, {"GET": _ping, "POST": _ping, "OPTIONS": _preflight})
release = Endpoint(
    "release", _error_form, {"GET": _release, "POST": _release, "OPTIONS": _preflight}
)
verify = Endpoint("verify", _error_form, {"GET": _verify})
