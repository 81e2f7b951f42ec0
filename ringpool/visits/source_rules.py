"""A pool's `when`, prepared: which visits the pool is for.

| field             | its value on a visit                                                    |
|-------------------|-------------------------------------------------------------------------|
| `medium`          | `paid`, `organic`, `social`, `referral` or `direct`                     |
| `search_engine`   | the engine's name                                                       |
| `search_keywords` | the keywords, `(not provided)` where the engine keeps them to itself    |
| `utm_source` …    | each of the six `utm_` parameters                                       |
| `gclid` …         | a click id, by its name                                                 |
| `click_id`        | the names of all click ids that there are; one that fits is enough      |
| `referrer_host`   | without `www.`; the site's own pages are no referrer                    |
| `host`, `path`    | of the page that the visitor came to; the host without `www.`           |
| `device`          | `phone` or `other`                                                      |
| `country`         | two letters, where the proxy in front tells it                          |
| `param.NAME`      | a parameter that the page gives (`data-params`), else one of its URL's  |
| `cookie.NAME`     | a cookie that the page sends (`data-cookies`)                           |
| `referrer.NAME`   | a parameter of the referrer's URL                                       |

A rule reads the present visit (its last touch), whatever the pool's `touch`. Empty is a value of
`param.NAME`, `cookie.NAME` and `referrer.NAME`, elsewhere it is none. Placeholders that an ad
network didn't fill are none anywhere. Case counts in `path`, `utm_…`, click ids and parameters.

What can be done once is done here: texts are folded, patterns compiled, a reader is chosen for each
field. Patterns are RE2's: their time is linear in the length of the value, whatever they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import NamedTuple, Protocol

import re2
from msgspec import Struct

from ringpool.faults import Fault
from ringpool.model import Comparison, Condition
from ringpool.visits.traffic import CLICK_IDS, UTM_NAMES, Medium, TrafficSource
from ringpool.visits.tuples import plain_host, tidied, without_case

DEVICES = ("phone", "other")

FROM_HEADERS = frozenset(("device", "country"))
"""Fields that are read from a request's headers and not from what the page sends."""

ALL_HEADERS = FROM_HEADERS | {"area"}
"""These, and what a pool with ``match: area`` reads there."""

_FIELDS = (
    "medium",
    "search_engine",
    "search_keywords",
    *UTM_NAMES,
    "click_id",
    "referrer_host",
    "host",
    "path",
    "device",
    "country",
)
_PREFIXED = re.compile(r"(?:param|cookie|referrer)\.[a-z0-9_][a-z0-9_.\-\[\]]{0,63}")
_MAX_PATTERN_MEMORY = 1 << 20


class Visit(Protocol):
    """What a rule reads of a visit (``click.Click``). "" and None stand for unknown."""

    @property
    def device(self) -> str:
        """``phone`` or ``other``."""
        ...

    @property
    def country(self) -> str:
        """Two letters."""
        ...

    @property
    def given(self) -> Mapping[str, str]:
        """What the page gives explicitly, ``cookie.NAME`` included."""
        ...

    @property
    def source(self) -> TrafficSource:
        """Where it came from."""
        ...

    def fact(self, name: str) -> str:
        """What is known under a name."""
        ...

    def parameter(self, name: str) -> str | None:
        """A parameter that the page gives or its URL carries."""
        ...


Values = Collection[str]
"""What a visit has in a field: none, one, or (``click_id``) several."""


class Check(Struct, frozen=True):
    """One condition, prepared. ``by_value``: it looks at the value and not only for one."""

    field: str
    expected: Condition
    read: Callable[[Visit], Values]
    fits: Callable[[str], bool] | None
    present: bool = True

    @property
    def by_value(self) -> bool:
        """Whether it looks at the value, and not only whether there is one."""
        return self.fits is not None

    def met_by(self, visit: Visit) -> bool:
        """Whether a visit meets it."""
        return self.met_by_values(self.read(visit))

    def met_by_values(self, values: Values) -> bool:
        """Whether these values meet it."""
        if self.fits is None:
            return bool(values) is self.present
        return any(map(self.fits, values))


class Found(NamedTuple):
    """What a condition found. ``values``: what the visit has in the field."""

    check: Check
    values: Values
    met: bool


class SourceRule(Struct, frozen=True):
    """A pool's conditions, all of which a visit must meet."""

    checks: tuple[Check, ...]

    def matches(self, visit: Visit) -> bool:
        """Whether the pool is for this visit."""
        return all(check.met_by(visit) for check in self.checks)

    def explain(self, visit: Visit) -> list[Found]:
        """What each condition found."""
        found = []
        for check in self.checks:
            values = check.read(visit)
            found.append(Found(check, values, check.met_by_values(values)))
        return found

    @property
    def fields(self) -> frozenset[str]:
        """The fields that it reads."""
        return frozenset(check.field for check in self.checks)

    def names_compared(self) -> frozenset[str]:
        """The names of parameters whose values decide, not only whether they are there."""
        return frozenset(
            name
            for check in self.checks
            if check.by_value
            for name in (check.field, check.field.partition(".")[2])
        )

    def page_parameters(self) -> Iterator[str]:
        """The parameters of a page's URL that make another visit of it, beside well-known ones."""
        for check in self.checks:
            kind, _, name = check.field.partition(".")
            if kind == "param":
                yield name


def prepare(when: Mapping[str, Condition]) -> SourceRule:
    """Prepare the conditions of a pool; they have no faults (``when_faults``)."""
    return SourceRule(tuple(_check(field, condition) for field, condition in when.items()))


def when_faults(path: str, when: Mapping[str, Condition]) -> Iterator[Fault]:
    """Yield what is wrong with the conditions at ``path``."""
    for field, condition in when.items():
        where = f"{path}.{field}"
        if not _is_field(field):
            yield Fault(where, f"unknown field; known are {', '.join(_FIELDS)}, {_MORE_FIELDS}")
        elif isinstance(condition, Comparison):
            yield from _comparison_faults(where, field, condition)
        elif isinstance(condition, str):
            yield from _text_faults(where, field, condition)
        else:
            for index, text in enumerate(condition):
                yield from _text_faults(f"{where}[{index}]", field, text)


_MORE_FIELDS = "click ids by name (gclid…), param.NAME, cookie.NAME and referrer.NAME (lower case)"


def _is_field(field: str) -> bool:
    return field in _FIELDS or field in CLICK_IDS or _PREFIXED.fullmatch(field) is not None


def _text_faults(where: str, field: str, text: str) -> Iterator[Fault]:
    known: Collection[str] = ()
    match field:
        case "medium":
            known = [medium.value for medium in Medium]
        case "device":
            known = DEVICES
        case "click_id":
            known = list(CLICK_IDS)
        case "country" if re.fullmatch("[A-Za-z]{2}", text) is None:
            yield Fault(where, f"{text!r} is not a country: two letters, as in ISO 3166")
    if known and text.strip().lower() not in known:
        yield Fault(where, f"{text!r} is none of {', '.join(known)}")


def _comparison_faults(where: str, field: str, comparison: Comparison) -> Iterator[Fault]:
    given = [name for name in comparison.__struct_fields__ if getattr(comparison, name) is not None]
    if len(given) != 1:
        yield Fault(where, "expected one of prefix, pattern, present")
    elif comparison.pattern is not None:
        try:
            _pattern(field, comparison.pattern)
        except re2.error as error:
            reason = error.args[0].decode("utf-8", "replace")
            yield Fault(f"{where}.pattern", f"not a pattern of RE2: {reason}")


def _check(field: str, condition: Condition) -> Check:
    read = _reader(field)
    if isinstance(condition, Comparison):
        if condition.present is not None:
            return Check(field, condition, read, None, condition.present)
        if condition.prefix is not None:
            return Check(field, condition, read, _prefix_test(field, condition.prefix))
        assert condition.pattern is not None
        return Check(field, condition, read, _pattern(field, condition.pattern))
    texts = (condition,) if isinstance(condition, str) else condition
    fold = _fold(field)
    wanted = frozenset(fold(text) for text in texts)
    return Check(field, condition, read, lambda value: fold(value) in wanted)


def _prefix_test(field: str, prefix: str) -> Callable[[str], bool]:
    fold = _fold(field)
    start = fold(prefix)
    return lambda value: fold(value).startswith(start)


def _pattern(field: str, pattern: str) -> Callable[[str], bool]:
    """A test that searches; raises re2.error."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_PATTERN_MEMORY
    options.case_sensitive = _fold(field) is tidied
    search = re2.compile(pattern, options).search
    return lambda value: search(tidied(value)) is not None


def _reader(field: str) -> Callable[[Visit], Values]:
    kind, dot, name = field.partition(".")
    if field == "click_id":
        return lambda visit: visit.source.click_ids
    if field == "device":
        return lambda visit: (visit.device,) if visit.device else ()
    if field == "country":
        return lambda visit: (visit.country,) if visit.country else ()
    if not dot:
        return lambda visit: (value,) if (value := visit.fact(field)) else ()
    if kind == "param":
        return lambda visit: () if (value := visit.parameter(name)) is None else (value,)
    if kind == "cookie":
        return lambda visit: () if (value := visit.given.get(field)) is None else (value,)
    return lambda visit: (
        () if (value := visit.source.referrer_parameters.get(name)) is None else (value,)
    )


def _fold(field: str) -> Callable[[str], str]:
    """How both sides are written before they are compared."""
    if field in ("host", "referrer_host"):
        return plain_host
    if field in _CASELESS:
        return _tidied_without_case
    return tidied


_CASELESS = frozenset(
    ("medium", "search_engine", "search_keywords", "device", "country", "click_id")
)


def _tidied_without_case(text: str) -> str:
    return without_case(tidied(text))
