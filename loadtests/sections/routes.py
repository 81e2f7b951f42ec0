"""Calls routed by one worker, next to a bare Starlette endpoint there."""

from __future__ import annotations

import asyncio

from allocator.allocator import MAX_ASKS_PER_CALL, Allocator
from allocator.answers import Ask
from loadtests import rounds
from loadtests.figures import Figure, Target, of_rounds
from loadtests.rounds import Contender
from loadtests.section import Bench, Section
from loadtests.tools import pools, requests, services

_AREA, _NUMBERS = 214, 900
_DESTINATION = "+18005550199"
_CLICK = (
    b'{"gclid":"Cj0KCQiA2b-example","landing_page":"https://www.newspress.example/subscribe",'
    b'"search_keywords":"red shoes","search_engine":"google","device":"mobile"}'
)


def _measure(bench: Bench) -> list[Figure]:
    with services.store(bench.others) as store:
        size = {"numbers": pools.numbers(_AREA, _NUMBERS), "destination": _DESTINATION}
        called = pools.pool("called", _AREA, 0, whisper="A call from {website}", **size)
        pools.configure(store.url, [called])
        asyncio.run(_give_all(store.url))
        with services.ringpool(store.url, bench.folder / "routes", bench.core) as ours:
            path = f"/v1/route?number=1{_AREA}0000000"
            length = len(services.get(f"{ours.url}{path}", requests.API_KEY)[1])
            with services.asgi(
                "loadtests.tools.bare:app",
                bench.folder / "bare",
                bench.core,
                {"BARE_LENGTH": str(length)},
            ) as plain:
                samples = rounds.run(
                    bench,
                    {
                        "bare": Contender(plain, requests.bare()),
                        "route": Contender(ours, requests.route(_AREA, _NUMBERS)),
                    },
                )
    ratios = samples["route"].over(samples["bare"])
    meaning = f"/v1/route, {_NUMBERS} numbers that are held, all asked of the store, next to bare"
    rates = samples["route"].rates
    return [
        of_rounds("route", ratios, meaning, target=Target(at_least=0.5)),
        of_rounds("route_rate", rates, "as measured", unit="requests/s"),
    ]


async def _give_all(url: str) -> None:
    """Give each of the numbers to a tuple, with what is kept of a paid click."""
    asks = [Ask(tuple_, _CLICK) for tuple_ in map(_tuple, requests.tuples())]
    async with pools.opened(url) as store:
        for start in range(0, _NUMBERS, MAX_ASKS_PER_CALL):
            await Allocator(store).allocate("called", asks[start : start + MAX_ASKS_PER_CALL])


def _tuple(values: dict[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in values.items())


SECTION = Section("Calls routed", ["route"], _measure)
