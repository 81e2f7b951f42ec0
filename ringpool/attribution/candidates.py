"""The candidates of a call: everybody who may have made it, the best first, and nobody."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ringpool.attribution.fit import Posterior
from ringpool.attribution.suspects import NOBODY, Suspect, Suspects

LEAST = 0.001
"""Who is less probable isn't listed. Nobody always is."""

_PLACES = 4


class Candidate(Struct, frozen=True):
    """``suspect`` None: nobody. A call's probabilities add up to 1."""

    suspect: Suspect | None
    probability: float

    @property
    def why(self) -> str:
        """``click``, ``returning caller`` or ``nobody``."""
        return NOBODY if self.suspect is None else self.suspect.why


def ranked(suspects: Suspects, posterior: Posterior) -> list[Candidate]:
    """Rank them. A source that may have made the call in several ways, by two assignments or an
    earlier call, is one candidate, by the way that is the most probable; of equals, the latest.
    """
    ways: dict[int, list[tuple[float, Suspect]]] = {}
    everybody: Sequence[Suspect] = (*suspects.holders, *suspects.earlier)
    shares = (*posterior.holders, *posterior.earlier)
    for share, suspect in zip(shares, everybody, strict=True):
        ways.setdefault(suspect.source, []).append((share, suspect))
    found = [
        Candidate(max(of_one, key=lambda way: way[0])[1], sum(share for share, _ in of_one))
        for of_one in ways.values()
    ]
    listed = [each for each in found if each.probability >= LEAST]
    listed.append(Candidate(None, posterior.nobody))
    listed.sort(key=lambda each: -each.probability)
    return _adding_up(listed)


def _adding_up(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The same with so many places, rounded down; the best one has what is left."""
    total = sum(each.probability for each in candidates)
    best, *others = candidates
    rounded = [
        Candidate(each.suspect, int(each.probability / total * 10**_PLACES) / 10**_PLACES)
        for each in others
    ]
    rest = round(1 - sum(each.probability for each in rounded), _PLACES)
    return [Candidate(best.suspect, rest), *rounded]
