"""The rules within one entity that need more than one field, or more than a type can state."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from msgspec import UNSET

from ringpool.config.codec import key_text
from ringpool.faults import Fault
from ringpool.model import (
    Account,
    Carriers,
    Fill,
    GenericAccess,
    Match,
    Notify,
    Pool,
    PoolType,
    Stock,
    StockKind,
    TwilioAccess,
)
from ringpool.numbers import kinds
from ringpool.times import Duration, to_unix_ms
from ringpool.visits.allowed_values import allowed_faults
from ringpool.visits.page_fields import PAGE_FIELDS
from ringpool.visits.pool_tuples import AREA, parameter_names
from ringpool.visits.source_rules import when_faults
from ringpool.visits.whisper import whisper_faults

NAMED_TYPES = frozenset({PoolType.CUSTOM, PoolType.CUSTOM_SEARCH})
"""Pool types whose parameters the operator names."""

RESERVED = frozenset(
    {f"param{number}" for number in range(1, 11)}
    | PAGE_FIELDS
    | {"landing_page", "mobile_click_to_call", "publisher", "referrer", "ring_pool_key"}
    | {"search_engine", "search_keyword_id", "search_keywords"}
    | {"rp_exp", "rp_fallback", "rp_number", "rp_pool", "rp_sig", "rp_test"}
)
"""Query parameters with a meaning of their own, which no pool can have as its parameters."""

_OF_A_STOCK = ("initial", "low_water", "autoscale")
"""What needs a stock to come from."""

_NOT_OF_STATIC = ("stock", "match", "fallback", "overflow_number", "hold_on_activity", "sticky")

_PARAMETER = re.compile(r"[a-z_][a-z0-9_.-]{0,63}")
_SECOND_MS = 1_000
_DAY_MS = 86_400_000
_SHORTEST_COOLDOWN_MS, LONGEST_COOLDOWN_MS = 60_000, 7 * 86_400_000
_TEN_YEARS_MS = 10 * 365 * 86_400_000


def account_faults(path: str, account: Account) -> Iterator[Fault]:
    """Yield what is wrong within an account."""
    for index, origin in enumerate(account.origins):
        where = f"{path}.origins[{index}]"
        if not _is_web_address(origin) or origin.lower() != _origin(origin) or "*" in origin:
            yield Fault(
                where, f"{origin!r} is not an origin: write https://host or https://host:port"
            )
    for index, key in enumerate(account.keys):
        where = f"{path}.api_keys[{index}]"
        yield from _instant_faults(f"{where}.created", key.created)
        yield from _instant_faults(f"{where}.expires", key.expires)
        yield from _instant_faults(
            f"{where}.former.until", key.former.until if key.former else None
        )
    yield from _notify_faults(f"{path}.notify", account.notify)
    unroutable = account.unroutable
    if unroutable is not None and (unroutable.destination is None) is (
        unroutable.announcement is None
    ):
        yield Fault(f"{path}.unroutable", "needs a destination or an announcement, one of the two")
    if account.retention is not None:
        yield from _span_faults(f"{path}.retention", account.retention, _DAY_MS)
    if account.carriers is not None:
        yield from _carrier_faults(f"{path}.carriers", account.carriers)


def stock_faults(path: str, stock: Stock) -> Iterator[Fault]:
    """Yield what is wrong within a stock."""
    yield from _span_faults(f"{path}.quarantine", stock.quarantine, 0)
    yield from _span_faults(f"{path}.quiet", stock.quiet, 0)


def pool_faults(path: str, pool: Pool, present: int) -> Iterator[Fault]:
    """Yield what is wrong within a pool.

    ``present``: how many numbers it has, which count when it is given without numbers.
    """
    if pool.former_key is not UNSET:
        yield from _instant_faults(f"{path}.former_key.until", pool.former_key.until)
    yield from _parameter_faults(f"{path}.parameters", pool)
    yield from _span_faults(f"{path}.min_duration", pool.min_duration, _SECOND_MS)
    if pool.hold_on_activity is not None:
        yield from _span_faults(f"{path}.hold_on_activity", pool.hold_on_activity, 0)
    if pool.activity.half_life is not None:
        yield from _span_faults(f"{path}.activity.half_life", pool.activity.half_life, _SECOND_MS)
    if pool.type is PoolType.STATIC:
        yield from _static_faults(path, pool, present)
    else:
        yield from _size_faults(path, pool, present)
        if pool.allow_overflow and pool.overflow_number is None:
            yield Fault(f"{path}.overflow_number", "needed unless allow_overflow is false")
    yield from _growth_faults(path, pool)
    if isinstance(pool.stock, StockKind):
        yield from _kind_faults(f"{path}.stock", pool.stock)
    for name, allowed in (pool.values or {}).items():
        where = f"{path}.values.{key_text(name)}"
        if name.lower() not in parameter_names(pool):
            yield Fault(where, f"not one of {', '.join(parameter_names(pool)) or 'no parameters'}")
        yield from allowed_faults(where, allowed)
    for message in whisper_faults(pool.whisper, parameter_names(pool)):
        yield Fault(f"{path}.whisper", message)
    if pool.when is not None:
        yield from when_faults(f"{path}.when", pool.when)
    if pool.landing_url is not None and not _is_web_address(pool.landing_url):
        yield Fault(f"{path}.landing_url", f"{pool.landing_url!r} is not an http or https address")
    if pool.on_exhausted is not None and not _is_web_address(pool.on_exhausted.webhook):
        message = f"{pool.on_exhausted.webhook!r} is not an http or https address"
        yield Fault(f"{path}.on_exhausted.webhook", message)
    yield from _notify_faults(f"{path}.notify", pool.notify)


def _notify_faults(path: str, notify: Sequence[Notify]) -> Iterator[Fault]:
    places: dict[str, str] = {}
    for index, each in enumerate(notify):
        where = f"{path}[{index}]"
        if (each.webhook is None) is (each.email is None):
            yield Fault(where, "needs a webhook or an email, one of the two")
        if each.webhook is not None and not _is_web_address(each.webhook):
            # Not repeated: what is wrong with it may be the login in it.
            yield Fault(f"{where}.webhook", "is not an http or https address, without a login")
        if each.webhook is None and not each.secret is each.former_secret is UNSET:
            yield Fault(f"{where}.secret", "signs what a webhook gets; an email has none")
        if each.former_secret is not UNSET and each.former_secret == each.secret:
            yield Fault(f"{where}.former_secret", "the same as secret")
        if each.former_secret is not UNSET and each.secret is UNSET:
            yield Fault(f"{where}.former_secret", "needs a secret that takes its place")
        if not _SHORTEST_COOLDOWN_MS <= each.cooldown <= LONGEST_COOLDOWN_MS:
            yield Fault(f"{where}.cooldown", f"{each.cooldown} is outside 1m to 7d")
        for place, event in enumerate(each.events):
            if event in each.events[:place]:
                yield Fault(f"{where}.events[{place}]", f"{event.value} is there already")
        name = "email" if each.webhook is None else "webhook"
        first = places.setdefault(each.webhook or each.email or "", where)
        if first != where:
            yield Fault(f"{where}.{name}", f"the same as {first}")


def _carrier_faults(path: str, carriers: Carriers) -> Iterator[Fault]:
    telnyx = carriers.telnyx
    for where, present, former in (
        ("twilio.{}auth_token", *_tokens(carriers.twilio)),
        ("generic.{}secret", *_secrets(carriers.generic)),
        ("telnyx.{}public_key", telnyx and telnyx.public_key, telnyx and telnyx.former_public_key),
    ):
        if not former:
            continue
        name = where.format("former_")
        if former == present:
            yield Fault(f"{path}.{name}", f"the same as {where.format('').partition('.')[2]}")
        elif not present:
            yield Fault(f"{path}.{name}", "needs one that takes its place")
    ids: set[str] = set()
    for index, key in enumerate(carriers.twilio.shared_keys if carriers.twilio else ()):
        if key.id in ids:
            yield Fault(f"{path}.twilio.shared_keys[{index}].id", "is there already")
        ids.add(key.id)


def _tokens(twilio: TwilioAccess | None) -> tuple[str, str]:
    return (twilio.auth_token or "", twilio.former_auth_token or "") if twilio else ("", "")


def _secrets(generic: GenericAccess | None) -> tuple[str, str]:
    return (generic.secret or "", generic.former_secret or "") if generic else ("", "")


def _static_faults(path: str, pool: Pool, present: int) -> Iterator[Fault]:
    count = present if pool.numbers is UNSET else len(pool.numbers)
    if count != 1:
        yield Fault(f"{path}.numbers", f"a pool of type static has exactly one, not {count}")
    for name in _NOT_OF_STATIC:
        if getattr(pool, name):
            yield Fault(f"{path}.{name}", "a pool of type static has none: its number is fixed")


def _size_faults(path: str, pool: Pool, present: int) -> Iterator[Fault]:
    if pool.max_size is None:
        return
    if pool.numbers is UNSET:
        if present > pool.max_size:
            yield Fault(f"{path}.max_size", f"{pool.max_size}, and the pool has {present} numbers")
    elif len(pool.numbers) > pool.max_size:
        message = f"{len(pool.numbers)} numbers, and max_size is {pool.max_size}"
        yield Fault(f"{path}.numbers", message)


def _growth_faults(path: str, pool: Pool) -> Iterator[Fault]:
    if pool.fill is Fill.IMMEDIATE:
        needed = "needed for fill: immediate"
        if pool.stock is None:
            yield Fault(f"{path}.stock", needed)
        if pool.max_size is None:
            yield Fault(f"{path}.max_size", needed)
    for name in _OF_A_STOCK:
        if getattr(pool, name) is None:
            continue
        if pool.fill is Fill.IMMEDIATE:
            yield Fault(f"{path}.{name}", "a pool with fill: immediate is full at once")
        elif pool.stock is None:
            yield Fault(f"{path}.stock", f"needed for {name}")
    if pool.autoscale is not None and pool.max_size is None:
        yield Fault(f"{path}.max_size", "needed for autoscale")
    for name in ("initial", "low_water"):
        count = getattr(pool, name)
        if count is not None and pool.max_size is not None and count > pool.max_size:
            yield Fault(f"{path}.{name}", f"{count}, and max_size is {pool.max_size}")


def _kind_faults(path: str, asked: StockKind) -> Iterator[Fault]:
    country = asked.country
    if country is None:
        if asked.area is not None:
            yield Fault(f"{path}.country", "needed for area")
    elif not kinds.is_country(country):
        yield Fault(f"{path}.country", f"{country} is no country with telephone numbers")
    elif asked.type is not None and not kinds.has_type(country, asked.type):
        yield Fault(f"{path}.type", f"{country} has no numbers of type {asked.type.value}")


def _parameter_faults(path: str, pool: Pool) -> Iterator[Fault]:
    if pool.type not in NAMED_TYPES:
        if pool.parameters:
            yield Fault(path, f"a pool of type {pool.type.value} has none of its own")
        return
    if not pool.parameters:
        yield Fault(path, f"a pool of type {pool.type.value} needs 1 to 10 names")
    for index, name in enumerate(pool.parameters):
        where = f"{path}[{index}]"
        if _PARAMETER.fullmatch(name) is None:
            message = f"{name!r} is not a name: at most 64 of a-z 0-9 _ . -, the first not a digit"
            yield Fault(where, message)
        elif name in RESERVED:
            yield Fault(where, f"{name} already has a meaning in requests")
        elif name == AREA and pool.match is Match.AREA:
            yield Fault(where, f"{name} is what match: area adds to the parameters")
        elif name in pool.parameters[:index]:
            yield Fault(where, f"{name} is there already (case doesn't matter)")


def _instant_faults(path: str, at: datetime | None) -> Iterator[Fault]:
    """A time that can be written in UTC, too."""
    try:
        if at is not None:
            to_unix_ms(at)
    except ValueError as error:
        yield Fault(path, str(error))


def _span_faults(path: str, span: Duration, min_ms: int) -> Iterator[Fault]:
    if not min_ms <= span <= _TEN_YEARS_MS:
        yield Fault(path, f"{span} is outside {Duration(min_ms)} to 10y")


def _is_web_address(text: str) -> bool:
    """True for an absolute http(s) URL with a host, without credentials, blanks and controls."""
    if any(character <= " " or character in '"<>\\^`{|}\x7f' for character in text):
        return False
    try:
        parts = urlsplit(text)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return named and parts.scheme in ("http", "https") and "@" not in parts.netloc


def _origin(text: str) -> str:
    parts = urlsplit(text)
    return f"{parts.scheme}://{parts.netloc}".lower()
