"""What a budget of client networks costs new answers."""

from __future__ import annotations

from loadtests import rounds
from loadtests.figures import Figure, Target, of_rounds
from loadtests.rounds import Contender
from loadtests.section import Bench, Section
from loadtests.tools import pools, requests, services

_SETTINGS = {"RINGPOOL_TRUSTED_PROXIES": "127.0.0.1"}
_NETWORKS = 'string.format("80.%d.%d.1", math.floor(at / 256) % 256, at % 256)'
"""65,536 of them: none is over its budget."""

_PRIVATE = 'string.format("10.%d.%d.1", math.floor(at / 256) % 256, at % 256)'
"""On no budget."""


def _measure(bench: Bench) -> list[Figure]:
    with services.store(bench.others) as store:
        pools.configure(store.url, pools.pages())
        pools.fill(store.url, "new", pools.NEW_SIZE)
        with services.ringpool(
            store.url, bench.folder / "budgets", bench.core, settings=_SETTINGS
        ) as service:
            samples = rounds.run(
                bench,
                {
                    "with": Contender(service, requests.link_new("new", _NETWORKS)),
                    "without": Contender(service, requests.link_new("new", _PRIVATE)),
                },
            )
    ratios = samples["with"].over(samples["without"])
    meaning = "new tuples by /t/, each from a client network on a budget, next to from none"
    return [of_rounds("budget", ratios, meaning, target=Target(at_least=0.97))]


SECTION = Section("Budgets of client networks", ["budget"], _measure)
