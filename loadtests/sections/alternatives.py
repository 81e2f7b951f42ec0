"""Ringpool's number API next to two ways to build it without Ringpool, in the same run."""

from __future__ import annotations

import asyncio
import importlib.util
from contextlib import AbstractContextManager

from loadtests import rounds
from loadtests.figures import Figure, Skipped, of_rounds
from loadtests.rounds import Contender
from loadtests.section import Bench, Section
from loadtests.sections.http import measured_services
from loadtests.tools import pools, requests, services
from loadtests.tools.services import Service

_LOADS = {"held": requests.number_api("held"), "new": requests.number_api_new("new")}


async def _prepare(url: str) -> None:
    """The schema, and the same pools with the same tuples in them."""
    import asyncpg

    from loadtests.tools.alternatives import SCHEMA

    connection = await asyncpg.connect(url)
    try:
        await connection.execute(SCHEMA)
        for pool in pools.pages():
            await connection.execute(
                "INSERT INTO pools VALUES ($1, $2, $3 * interval '1 ms')",
                *(pool.id, pool.key, pool.min_duration),
            )
            assert isinstance(pool.numbers, tuple)
            rows = [(number, pool.id) for number in pool.numbers]
            await connection.copy_records_to_table(
                "numbers", records=rows, columns=["number", "pool"]
            )
        await connection.execute("VACUUM ANALYZE numbers")
    finally:
        await connection.close()


def _measure(bench: Bench) -> list[Figure]:
    if importlib.util.find_spec("asyncpg") is None:
        raise Skipped("asyncpg isn't installed (make bench installs it)")
    with (
        services.database(bench.folder, bench.others) as database,
        services.store(bench.others) as store,
        measured_services(bench) as (ours, _),
    ):
        asyncio.run(_prepare(database))
        pools.configure(store.url, pools.pages())
        pools.fill(store.url, "new", pools.NEW_SIZE)
        with (
            _alternative(bench, "on_postgres", database) as on_postgres,
            _alternative(bench, "on_evalsha", store.url) as on_evalsha,
        ):
            running = {"ringpool": ours, "postgres": on_postgres, "evalsha": on_evalsha}
            samples = rounds.run(
                bench,
                {
                    f"{name}_{load}": Contender(service, script)
                    for load, script in _LOADS.items()
                    for name, service in running.items()
                },
            )
    names = {"postgres": "PostgreSQL, FOR UPDATE SKIP LOCKED", "evalsha": "one EVALSHA a request"}
    return [
        of_rounds(
            f"over_{name}_{load}",
            samples[f"ringpool_{load}"].over(samples[f"{name}_{load}"]),
            f"Ringpool's requests/s next to {what}, {load}",
        )
        for name, what in names.items()
        for load in _LOADS
    ]


def _alternative(bench: Bench, name: str, url: str) -> AbstractContextManager[Service]:
    app = f"loadtests.tools.alternatives:{name}"
    return services.asgi(app, bench.folder / name, bench.core, {"ALTERNATIVE_URL": url})


SECTION = Section(
    "Next to what people would use instead", ["over_postgres", "over_evalsha"], _measure
)
