"""For pages: the visitor is still there, or leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress

from msgspec import structs

from allocator.answers import Ask, State
from allocator.replies import UnknownPool
from api.http import replies
from api.http.endpoint import Endpoint
from api.http.replies import Reply
from api.http.request import Request
from api.http.request_quota import count_request
from api.http.services import Services
from api.pages.admission import Admission, admit, preflight, surroundings_of
from api.pages.page_operations import MAX_FORM_BYTES, beacon_operations
from api.pages.page_replies import error_form
from ringpool.catalog.fallback import HandedOn, asks
from ringpool.catalog.routing import given_numbers, route, signed_number
from ringpool.catalog.snapshot import PreparedPool
from ringpool.faults import Fault
from ringpool.model import Pool, PoolType
from ringpool.visits import crawlers
from ringpool.visits.click import Click, page_click

_ANY_TIME = 0.0


async def _ping(request: Request) -> Reply:
    """Keep-alive: the visitor is still on the page, which may extend guarantees.

    Only of what this client was given, as a sealed text or a tracking link's signature proves: else
    anyone could hold all numbers of a pool. Who has a key of the account needs no proof.
    """

    async def touch(pool: Pool, ask: Ask) -> bool:
        wanted = [structs.replace(ask, clicks=0)]
        (answer,) = await request.services.allocator.touch(pool.id, wanted)
        return answer.state is State.HELD

    return await _for_each_pool(request, touch, proven_only=not request.bearer())


async def _release(request: Request) -> Reply:
    """The visitor leaves. Only visitor pools let go: other tuples belong to many visitors."""

    async def release(pool: Pool, ask: Ask) -> bool:
        if pool.type is not PoolType.VISITOR:
            return False
        (left,) = await request.services.allocator.release(pool.id, [ask.tuple])
        return left is not None

    return await _for_each_pool(request, release)


async def _for_each_pool(
    request: Request,
    notify: Callable[[Pool, Ask], Awaitable[bool]],
    *,
    proven_only: bool = False,
) -> Reply:
    """Notify each pool of which the visitor proves to have a number.

    Unless ``proven_only``, also each that swap would ask, but those that can make no tuple of this
    visit, and where it has no number of one, those that this one falls back on, up to one that it
    has a number of (``notify`` returns that). Static pools have none, and none needs to hear of it.
    """
    await count_request(request)
    parameters = await request.form(MAX_FORM_BYTES)
    page = await admit(request, parameters, request.services.snapshot)
    if not crawlers.takes_nothing(request.method, request.headers):
        surroundings = surroundings_of(request)._replace(network=request.network())
        click = page_click(parameters, surroundings, page.snapshot.accounts)
        proven = await _proven_tuples(request.services, page, click)
        places = [[place] for place in proven]
        for asked in () if proven_only else route(page.targets, click).pools:
            with suppress(Fault):
                places.append([*_places(asked.prepared, click)])

        async def notify_first(places: Iterable[tuple[Pool, Ask]]) -> None:
            for pool, ask in places:
                with suppress(UnknownPool):
                    if await notify(pool, ask):
                        break

        await asyncio.gather(*map(notify_first, places))
    return replies.empty([replies.NO_STORE, *page.cors])


def _places(prepared: PreparedPool, click: Click) -> Iterator[tuple[Pool, Ask]]:
    """Where this visit may have the number that a pool was asked for; raises a Fault."""
    if prepared.fixed is not None:
        return
    yield prepared.pool, click.ask(prepared.pool, prepared.areas)
    if prepared.fallbacks:
        for other, ask in asks(prepared, HandedOn(click)):
            if other.fixed is None:
                yield other.pool, ask


async def _proven_tuples(
    services: Services, page: Admission, click: Click
) -> list[tuple[Pool, Ask]]:
    """What the visitor was given by answers and by a tracking link, whatever the rules say now."""
    found: list[tuple[Pool, Ask]] = []
    # Whatever its time: a number that is the tuple's still has been held since.
    signed = signed_number(
        page.snapshot,
        page.account.id,
        page.targets,
        click.url_parameters,
        services.signing.keys,
        _ANY_TIME,
    )
    if signed is not None and signed.asked.prepared.fixed is None:
        with suppress(Fault):
            for pool, ask in _places(signed.asked.prepared, click):
                # The signature is the number's. The tuple is what the page says.
                with suppress(UnknownPool):
                    holding = await services.allocator.holder(pool.id, signed.number)
                    if holding is not None and holding.until is None and holding.tuple == ask.tuple:
                        found.append((pool, ask))
                        break
    held = click.given.get("held", "")
    given = given_numbers(page.snapshot, page.account.id, page.targets, held, services.signing.seal)
    found += [
        (each.gave.pool, Ask(each.tuple, click.attributes, network=click.network)) for each in given
    ]
    return found


ping = Endpoint(
    "ping",
    error_form,
    {"GET": _ping, "POST": _ping, "OPTIONS": preflight},
    beacon_operations(
        "ping",
        "The visitor is still there",
        "Activity of the numbers that the visitor was given: their guarantees last for the pool's "
        "`hold_on_activity` from now (`0s`: nothing is extended). `held` proves what was given, or "
        "the tracking link's signature in `url`; without proof, and for what it isn't of, nothing "
        "is extended. A server with an account's API key needs none. No click is counted. POST, "
        "which browsers send as a beacon, may have the parameters as a form.",
    ),
)
release = Endpoint(
    "release",
    error_form,
    {"GET": _release, "POST": _release, "OPTIONS": preflight},
    beacon_operations(
        "release",
        "The visitor has left",
        "Visitor pools let go of the visitor's number, for others to get it. Numbers of other "
        "pools belong to traffic sources that many visitors come from, and stay theirs. POST, "
        "which browsers send as a beacon, may have the parameters as a form.",
    ),
)
