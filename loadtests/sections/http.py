"""One worker on one core, next to a bare Starlette endpoint there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from loadtests import rounds
from loadtests.figures import Figure, Target, of_rounds
from loadtests.rounds import Contender
from loadtests.section import Bench, Section
from loadtests.tools import pools, requests, services
from loadtests.tools.services import Service

_BARE = "next to a bare Starlette endpoint with a body of the same length"
_RATIOS = {
    "held": (f"number API, 900 tuples seen before, {_BARE}", 0.90),
    "swap": ("/v1/swap as JSONP, tuples seen before, own visitor and gclid each", 0.60),
    "new": ("number API, every click a new tuple; 60,000 numbers, all recycled", 0.55),
    "link": ("/t/, tuples seen before, own gclid each, signed", 0.75),
}


@contextmanager
def measured_services(bench: Bench) -> Iterator[tuple[Service, Service]]:
    """Our service with the pools of ``pools.pages``, and the bare endpoint."""
    with services.store(bench.others) as store:
        pools.configure(store.url, pools.pages())
        pools.fill(store.url, "new", pools.NEW_SIZE)
        with (
            services.ringpool(store.url, bench.folder / "ringpool", bench.core) as ours,
            bare(bench, ours) as plain,
        ):
            yield ours, plain


@contextmanager
def bare(bench: Bench, ours: Service) -> Iterator[Service]:
    """The bare endpoint, its body as long as the number API's answer."""
    path = f"/api/v1/ring_pools/held/allocate_number.json?ring_pool_key={requests.KEY}"
    tuple_ = "&website=site-1&location=loc-1&path=page-1"
    _, body = services.get(f"{ours.url}{path}{tuple_}")
    length = {"BARE_LENGTH": str(len(body))}
    with services.asgi(
        "loadtests.tools.bare:app", bench.folder / "bare", bench.core, length
    ) as plain:
        yield plain


def _measure(bench: Bench) -> list[Figure]:
    with measured_services(bench) as (ours, plain):
        samples = rounds.run(
            bench,
            {
                "bare": Contender(plain, requests.bare()),
                "held": Contender(ours, requests.number_api("held")),
                "swap": Contender(ours, requests.swap()),
                "new": Contender(ours, requests.number_api_new("new")),
                "link": Contender(ours, requests.link("held")),
                "bulk": Contender(ours, requests.bulk("held"), requests.ROWS),
            },
        )
    figures = [
        of_rounds(name, samples[name].over(samples["bare"]), meaning, target=Target(at_least=least))
        for name, (meaning, least) in _RATIOS.items()
    ]
    figures.append(
        of_rounds(
            "bulk",
            samples["bulk"].over(samples["held"]),
            f"rows/s at {requests.ROWS} rows a request, next to held requests/s",
            target=Target(at_least=6),
        )
    )
    for name, values in samples.items():
        unit = "rows/s" if name == "bulk" else "requests/s"
        figures.append(of_rounds(f"{name}_rate", values.rates, "as measured", unit=unit))
        meaning = "per second of the worker's processor time"
        figures.append(of_rounds(f"{name}_core_rate", values.core_rates, meaning, unit=unit))
    return figures


SECTION = Section("One worker next to a bare Starlette endpoint", [*_RATIOS, "bulk"], _measure)
