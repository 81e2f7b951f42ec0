"""What the service knows of a simulated pool, as evidence: no more than its ledger has."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from allocator.answers import Holding
from allocator.ledger import CallTold, OverflowGiven
from loadtests.attribution.world import OVERFLOW, CallDocument, Seen
from ringpool.attribution.evidence import (
    MOST_HOLDERS,
    CallEvidence,
    Clicks,
    EarlierCall,
    PoolEvidence,
)
from ringpool.attribution.fit import Fit, posterior
from ringpool.attribution.model import NOBODY, credit
from ringpool.attribution.pool_evidence import by_key

_decode_document = msgspec.json.Decoder(CallDocument).decode
_decode_attributes = msgspec.json.Decoder(dict[str, str]).decode


class Known(NamedTuple):
    """A call without its earlier ones, which are known once those are attributed."""

    id: str
    caller: str
    number: str
    evidence: CallEvidence


class Attributed(NamedTuple):
    """A call, and how much of it each key is credited with."""

    call: Known
    credit: Mapping[str, float]


def known_calls(seen: Seen) -> list[Known]:
    """Every call with who held its number, in the order of the calls."""
    ended: dict[str, list[Clicks]] = {}
    for holding in sorted(seen.ended, key=lambda each: each.since):
        ended.setdefault(holding.number, []).append(_of_holding(holding))
    shown = [_of_overflow(each) for each in seen.overflows]
    return [_known(call, ended.get(call.number, []), shown) for call in seen.calls]


def pool_evidence(seen: Seen, calls: list[CallEvidence], numbers: int) -> PoolEvidence:
    """What there is to learn from by the time when half of the calls were made."""
    clicks = [_of_holding(each) for each in seen.ended if (each.until or 0) <= seen.half]
    clicks += [_of_holding(each) for each in seen.standing]
    clicks += [_of_overflow(each) for each in seen.overflows if each.at <= seen.half]
    return PoolEvidence(tuple(calls), tuple(clicks), numbers, seen.began, seen.half)


def keywords(seen: Seen) -> dict[str, str]:
    """The keyword of each key that was ever given a number."""
    clicks = [_of_holding(each) for each in (*seen.ended, *seen.standing)]
    clicks += [_of_holding(call.holding) for call in seen.calls if call.holding is not None]
    clicks += [_of_overflow(each) for each in seen.overflows]
    return {each.key: each.group for each in clicks}


def attribute(calls: list[Known], fit: Fit, before: list[Attributed]) -> Iterator[Attributed]:
    """Attribute calls one after the other, as they come: a caller's earlier ones tell who he is."""
    latest: dict[str, list[tuple[str, EarlierCall]]] = {}

    def remember(done: Attributed) -> None:
        keys = {key: share for key, share in done.credit.items() if key != NOBODY}
        if keys:
            key = max(keys, key=lambda each: keys[each])
            credited = EarlierCall(key, keys[key], done.call.evidence.at)
            latest.setdefault(done.call.caller, []).insert(0, (done.call.number, credited))

    for done in before:
        remember(done)
    for call in calls:
        earlier = tuple(
            replace(each, same_number=number == call.number)
            for number, each in latest.get(call.caller, [])
        )
        evidence = replace(call.evidence, earlier=earlier)
        done = Attributed(
            call._replace(evidence=evidence), credit(evidence, posterior(evidence, fit))
        )
        remember(done)
        yield done


def _known(call: CallTold, ended: list[Clicks], shown: list[Clicks]) -> Known:
    document = _decode_document(call.document)
    at = document.at
    if call.overflow:
        holders = _shown(shown, at)
    else:
        end = bisect_right(ended, at, key=lambda each: each.first_at)
        holders = ended[max(0, end - MOST_HOLDERS) : end][::-1]
        if call.holding is not None:
            # As it was at the call: its row, written later, has the clicks since then, too.
            holder = _of_holding(call.holding)
            others = [each for each in holders if each.first_at != holder.first_at]
            holders = [holder, *others][:MOST_HOLDERS]
    evidence = CallEvidence(at, tuple(holders), overflow=bool(call.overflow))
    return Known(document.id, document.caller, call.number, evidence)


def _shown(shown: list[Clicks], at: int) -> list[Clicks]:
    end = bisect_right(shown, at, key=lambda each: each.first_at)
    return by_key(shown[max(0, end - 200) : end][::-1], MOST_HOLDERS)


def _of_holding(holding: Holding) -> Clicks:
    return Clicks(
        key=holding.tuple,
        count=holding.clicks,
        first_at=holding.since,
        last_at=holding.last_click_at,
        group=_group(holding.first_click),
    )


def _of_overflow(given: OverflowGiven) -> Clicks:
    assert given.number == OVERFLOW
    return Clicks(given.tuple, 1, given.at, given.at, _group(given.attributes.encode()))


def _group(attributes: bytes) -> str:
    return _decode_attributes(attributes)["search_keywords"]
