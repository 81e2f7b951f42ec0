"""What becomes of each of an account's targets on a page, place by place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import phonenumbers
from msgspec import Struct

from ringpool.findings import Finding
from ringpool.page_check import occurrences
from ringpool.page_check.look import Look
from ringpool.page_check.occurrences import Occurrence, Target
from ringpool.page_check.places import Place, Reason, Seen, places
from ringpool.page_check.tag import Tag

_MOST_REFUSED = 10
_MOST_OTHERS = 5

_LEFT_OUT = Reason("owner", "data-targets in the tag leaves this number out")
_PART_OF_MORE = Reason(
    "other", "part of something longer: a code, an amount, an address or another number"
)
_NOT_STARTED = Reason("unexplained", "the script didn't start")
_UNEXPLAINED = Reason(
    "unexplained", "not taken for a phone number there, or the page's own script writes it back"
)


class Refused(Struct, frozen=True):
    """A target that stays as it is printed: the elements around it, its text, and the reason."""

    where: str
    text: str
    reason: Reason


class TargetReport(Struct, frozen=True):
    """One of the account's targets on the page.

    ``found``: how often it stands there. ``swapped``: how often the script swaps it (in a browser)
    or would (the HTML alone). ``refused``: the other places.
    """

    number: str
    pools: tuple[str, ...]
    found: int
    swapped: int
    refused: list[Refused]


class Found(Struct, frozen=True):
    """All targets, and ``others``: phone numbers that visitors read and that are none, in E.164."""

    targets: list[TargetReport]
    others: list[str]


def targets_of(settings: Mapping[str, Any]) -> list[Target]:
    """The targets in the script's settings; none in settings of some other making."""
    try:
        return [occurrences.target(item) for item in settings.get("t", ())]
    except (KeyError, TypeError):
        return []


def look_for(look: Look, tag: Tag, targets: Sequence[Target]) -> Found:
    """Look for the account's targets everywhere on a page."""
    swapped: Counter[str] = Counter()
    refused: dict[str, list[Refused]] = {target.number: [] for target in targets}
    others: dict[str, None] = {}
    unexplained = _UNEXPLAINED if look.ran else _NOT_STARTED
    for place, after in _places(look, tag):
        if not targets or not any(map(str.isdecimal, place.text)):
            continue
        hits = occurrences.find(place.text, targets)
        if not (hits or place.refused or place.attribute):
            others |= dict.fromkeys(_other_numbers(place.text, targets))
        if not hits and after not in (None, place.text) and tag.option("selector") is not None:
            swapped[targets[0].number] += 1  # a number of any kind, swapped as the first target's
        for hit, is_swapped in _outcomes(hits, place.text, after, targets):
            number = hit.target.number
            reason = None if is_swapped else _refusal(hit, place, tag)
            if reason is None and (after is not None or look.browser) and not is_swapped:
                reason = unexplained
            if reason is None:
                swapped[number] += 1
            elif hit.alone or reason.kind != "data":  # else digits in a program, by chance
                text = occurrences.excerpt(place.text, hit.start, hit.end)
                where = f"{place.where} [{place.attribute}]" if place.attribute else place.where
                refused[number].append(Refused(where, text, reason))
    reports = [
        TargetReport(
            number=target.number,
            pools=target.pools,
            found=swapped[target.number] + len(refused[target.number]),
            swapped=swapped[target.number],
            refused=refused[target.number],
        )
        for target in targets
    ]
    return Found(reports, list(others))


def check(found: Found, look: Look) -> Iterator[Finding]:
    """A line for each target on the page and each place where it stays; then what isn't there."""
    if not found.targets:
        yield Finding("fail", "targets", "the account has none: no pool with `swap_targets`")
        return
    for report in found.targets:
        if report.found:
            yield from _check_target(report, look)
    missing = [report.number for report in found.targets if not report.found]
    nothing_found = len(missing) == len(found.targets)
    if nothing_found:
        yield Finding("fail", "targets", _none_found(missing, look))
    elif missing:
        yield Finding("ok", "targets", f"not on this page: {', '.join(missing)}")
    if found.others:
        more = " …" if len(found.others) > _MOST_OTHERS else ""
        shown = ", ".join(found.others[:_MOST_OTHERS]) + more
        message = f"{shown}: on the page, but no pool has them among its swap_targets"
        yield Finding("warn" if nothing_found else "ok", "other numbers", message)


def _check_target(report: TargetReport, look: Look) -> Iterator[Finding]:
    subject = f"{report.number} ({_pools(report.pools)})"
    times = "once" if report.found == 1 else f"{report.found} times"
    verb = "swapped" if look.browser else "would be swapped"
    meant = all(place.reason.kind == "owner" for place in report.refused)
    message = f"{times} on the page, {report.swapped} {verb}"
    yield Finding("ok" if report.swapped or meant else "fail", subject, message)
    for place in report.refused[:_MOST_REFUSED]:
        text = f"stays in {place.where}: {place.reason.message}: “{place.text}”"
        unclear = place.reason.kind == "unexplained"
        yield Finding("warn" if unclear else "ok", subject, text)
    if (more := len(report.refused) - _MOST_REFUSED) > 0:
        yield Finding("ok", subject, f"stays in {more} more places: see --json")


def _places(look: Look, tag: Tag) -> list[tuple[Place, str | None]]:
    """Each place as the site prints it, with its text after the swap; None where nobody swapped."""
    named = (tag.option("attributes") or "").replace(",", " ").split()
    seen = Seen(tag.option("jsonld") is not None, frozenset(named))
    printed = list(places(look.page, seen=seen))
    after = list(places(look.swapped, seen=seen)) if look.swapped else []
    if len(after) != len(printed):  # a custom element may build itself anew meanwhile
        return [(place, None) for place in printed]
    return [(place, then.text) for place, then in zip(printed, after, strict=True)]


def _outcomes(
    hits: Sequence[Occurrence], before: str, after: str | None, targets: Sequence[Target]
) -> Iterator[tuple[Occurrence, bool]]:
    """Each occurrence with whether it was swapped. Of a target that stands in a line several times,
    those that are plainly phone numbers were."""
    if after is None or after == before:
        yield from ((hit, False) for hit in hits)
        return
    swapped = Counter(hit.target.number for hit in hits)
    swapped.subtract(hit.target.number for hit in occurrences.find(after, targets))
    for hit in sorted(hits, key=lambda hit: not hit.alone):
        yield hit, swapped[hit.target.number] > 0
        swapped[hit.target.number] -= 1


def _refusal(hit: Occurrence, place: Place, tag: Tag) -> Reason | None:
    """Why a target stays, as far as the HTML alone tells; None where it would be swapped."""
    if hit.target.number not in (tag.option("targets") or hit.target.number):
        return _LEFT_OUT
    return place.refused or (None if hit.alone else _PART_OF_MORE)


def _other_numbers(text: str, targets: Sequence[Target]) -> Iterator[str]:
    """Phone numbers in a line that are no targets, in E.164."""
    wanted = {target.number.partition(";")[0] for target in targets}
    regions = {phonenumbers.region_code_for_country_code(int(target.country)) for target in targets}
    for region in regions:
        for match in phonenumbers.PhoneNumberMatcher(text[:2_000], region):
            match.number.extension = None
            form = phonenumbers.PhoneNumberFormat.E164
            number = phonenumbers.format_number(match.number, form)
            if number not in wanted:
                yield number


def _none_found(missing: Sequence[str], look: Look) -> str:
    where = "on the page" if look.browser else "in the HTML (a script may write it: use a browser)"
    frames = any(
        element.name == "iframe" and element.document is None and element.attributes.get("src")
        for element in look.page.elements()
    )
    hint = ", or in a frame of another site" if frames else ""
    return f"{', '.join(missing)}: none is {where}. It may be in an image{hint}"


def _pools(ids: Sequence[str]) -> str:
    return f"{'pool' if len(ids) == 1 else 'pools'} {', '.join(ids)}"
