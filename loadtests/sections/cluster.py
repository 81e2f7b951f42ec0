"""A cluster of three nodes next to one server, the load spread over many pools."""

from __future__ import annotations

from loadtests import rounds
from loadtests.figures import Figure, Target, of_rounds
from loadtests.rounds import Contender
from loadtests.section import Bench, Section
from loadtests.tools import pools, requests, services
from ringpool.times import Duration

_POOLS = 100
_SIZE = 600


def _measure(bench: Bench) -> list[Figure]:
    many = pools.many("many", 214, _POOLS, _SIZE, min_duration=Duration(1000))
    script = requests.number_api_new("many", _POOLS)
    with services.store(bench.others) as store, services.cluster(bench.others) as nodes:
        for url in (store.url, nodes.url):
            pools.configure(url, many)
        with (
            services.ringpool(store.url, bench.folder / "standalone", bench.core) as standalone,
            services.ringpool(nodes.url, bench.folder / "cluster", bench.core) as clustered,
        ):
            samples = rounds.run(
                bench,
                {
                    "standalone": Contender(standalone, script),
                    "cluster": Contender(clustered, script),
                },
            )
    clustered_samples, alone = samples["cluster"], samples["standalone"]
    meaning = f"three nodes next to one server: new tuples in {_POOLS} pools in turn"
    return [
        of_rounds("cluster", clustered_samples.over(alone), meaning, target=Target(at_least=0.8)),
        of_rounds(
            "cluster_by_core",
            clustered_samples.over_by_core(alone),
            "the same a second of the worker's processor time: whether it is what is slower",
        ),
    ]


SECTION = Section("Cluster next to standalone", ["cluster"], _measure)
