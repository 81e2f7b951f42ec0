"""Which parameter tuple a pool of each type makes of a traffic source.

| type                | parameters of its tuple                                   |
|---------------------|-----------------------------------------------------------|
| `custom`            | the pool's own                                            |
| `custom_search`     | the pool's own, `search_keywords`, `search_engine`        |
| `search`            | `search_keywords`, `search_engine`                        |
| `search_keyword_id` | `search_keyword_id`                                       |
| `referrer`          | `referrer_host`                                           |
| `referrer_search`   | as `search` for a visit from a search, else as `referrer` |
| `visitor`           | `visitor`                                                 |
| `static`            | none                                                      |

In a pool with `match: area` the telephone area of the visitor follows (`area=+1212`), if it is
known and the pool has numbers of it: so visitors of two areas can have numbers of their own.

A number that is asked for on a publisher's behalf isn't another publisher's: the tuple ends with
`publisher=ID` then, in pools of every type.

A referrer counts by its host: browsers send no more by default, and a path that only some of them
send would give one source two numbers. A keyword id stands alone, since it is known on clicks
whose engine isn't.

A parameter's value is the first that exists: given explicitly, then a parameter of the page's URL
of that name, then what is known of the source under that name (``path``, ``host``,
``referrer_host``, ``utm_source``, ``gclid``…). None of them: missing. Given or in the URL, but
empty: empty. A pool's ``require`` refuses tuples with every parameter missing (``any``), or with
one missing (``all``).

`cookie.NAME` is a cookie that the page gives (`data-cookies`, with consent), `referrer.NAME` a
parameter of the referrer's URL. A value that is an ad network's placeholder (`placeholders`) is
missing. Pools with `touch: first` make the tuple of the visitor's first visit.

Search engines and keywords are compared without case and with blanks collapsed, in all types but
`custom`, whose values are as they were written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple, Protocol

from ringpool.faults import Fault, Missing
from ringpool.model import Pool, PoolType, Require
from ringpool.visits.allowed_values import check_values
from ringpool.visits.tuples import canonical, plain_host, tidied, without_case

_SEARCH = ("search_keywords", "search_engine")  # in the field's standard order
_PARAMETERS = {
    PoolType.SEARCH: _SEARCH,
    PoolType.SEARCH_KEYWORD_ID: ("search_keyword_id",),
    PoolType.REFERRER: ("referrer_host",),
    PoolType.REFERRER_SEARCH: ("referrer_host", *_SEARCH),
    PoolType.VISITOR: ("visitor",),
    PoolType.STATIC: (),
}
_POSITIONS = (*(f"param{position}" for position in range(1, 11)), "", "")
"""Ten names have positions; "" is none, as no query has a parameter without a name. A search that
follows ten parameters of the pool's own is given by name only."""
_PUBLISHER = ("publisher",)

AREA = "area"
"""The name under which a visitor's area is in tuples."""


class Source(Protocol):
    """What is asked of a traffic source (``traffic.TrafficSource``)."""

    @property
    def url_parameters(self) -> Mapping[str, str]:
        """What the page's URL carries."""
        ...

    def fact(self, name: str) -> str:
        """What is known under a name, or ""."""
        ...


def parameter_names(pool: Pool) -> tuple[str, ...]:
    """The parameters of the pool's tuples, lower-case, in order: for ``param1`` and for reports."""
    return _reading(pool.type, pool.parameters).names


def fields_read(pool: Pool) -> frozenset[str]:
    """The names under which something given can become part of the pool's tuples."""
    return _reading(pool.type, pool.parameters).fields


def names_read(pool: Pool) -> frozenset[str]:
    """Those of ``fields_read`` that aren't positions."""
    return _reading(pool.type, pool.parameters).names_read


class _Reading(NamedTuple):
    """How a visit is read for a pool. ``steps``: position, name and fold of each parameter."""

    names: tuple[str, ...]
    names_read: frozenset[str]
    fields: frozenset[str]
    steps: tuple[tuple[str, str, Callable[[str], str] | None], ...]


@lru_cache(maxsize=4096)
def _reading(kind: PoolType, parameters: tuple[str, ...]) -> _Reading:
    names = _names(kind, parameters)
    of_referrer = (name.removeprefix("referrer.") for name in names if name.startswith("referrer."))
    names_read = frozenset((*names, *of_referrer))
    positions = _POSITIONS[: len(names)]
    folds = {} if kind is PoolType.CUSTOM else _FOLDS
    return _Reading(
        names,
        names_read,
        names_read | frozenset(filter(None, positions)),
        tuple(
            (position, name, folds.get(name))
            for position, name in zip(positions, names, strict=True)
        ),
    )


def _names(kind: PoolType, parameters: tuple[str, ...]) -> tuple[str, ...]:
    own = tuple(name.lower() for name in parameters)
    match kind:
        case PoolType.CUSTOM:
            return own
        case PoolType.CUSTOM_SEARCH:
            return own + tuple(name for name in _SEARCH if name not in own)
        case _:
            return _PARAMETERS[kind]


def by_name(pool: Pool, given: Mapping[str, str]) -> dict[str, str]:
    """What is given, with the pool's names in the place of positions."""
    named = dict(zip(_POSITIONS, parameter_names(pool), strict=False))
    values = {name: value for name, value in given.items() if name not in _POSITIONS[:10]}
    return values | {named[name]: given[name] for name in given if name in named}


def tuple_for(
    pool: Pool,
    source: Source,
    given: Mapping[str, str],
    visitor: str = "",
    publisher: str = "",
    area: str = "",
) -> str:
    """The canonical tuple of a visit in ``pool``.

    ``given``: what the caller gives explicitly, names lower-case (``queries.read_query``), without
    the endpoint's own fields; ``param1`` stands for the pool's first parameter, up to ``param10``.
    ``visitor``: the visitor's id. ``publisher``: the account on whose behalf a number is wanted,
    checked by the caller. ``area``: the visitor's, one that the pool has numbers of.

    Raises a Fault that names the field when a given value is not acceptable (``tuples.canonical``)
    or is given in two ways, and when a visitor pool gets no visitor; values from the page never do,
    unless all together are too long. Raises Missing when less is there than the pool requires,
    and UnknownValue when a value isn't one that it names.
    """
    if visitor:
        given = {"visitor": visitor, **given}
    names, _, _, steps = _reading(pool.type, pool.parameters)
    values: dict[str, str] = {}
    for position, name, fold in steps:
        value = given.get(name)
        if position in given:
            if value is not None and value != given[position]:
                raise Fault(
                    position, f"stands for {name}, which is given too, with a different value"
                )
            value = given[position]
        if value is not None:
            values[name] = fold(value) if fold else value
        elif (found := _found(source, name)) is not None:
            values[name] = tidied(fold(found) if fold else found)

    if pool.type is PoolType.VISITOR and not values.get("visitor", "").strip():
        # One number for all unknown visitors would credit the call of one to another.
        raise Fault("visitor", "is needed: this pool gives each visitor a number of their own")
    if pool.type is PoolType.REFERRER_SEARCH and values.get("search_engine"):
        values.pop("referrer_host", None)
    if pool.require is not Require.NONE:
        _check_required(pool, names, values)
    if pool.values is not None:
        check_values(pool, values)
    if area:
        names += (AREA,)
        values[AREA] = area
    if publisher:
        names += _PUBLISHER
        values["publisher"] = publisher
    return canonical(names, values)


def is_bare(tuple_text: str) -> bool:
    """Whether every parameter of the pool is missing in a canonical tuple. An empty one isn't."""
    return not tuple_text or tuple_text.startswith("publisher=")


def _check_required(pool: Pool, names: tuple[str, ...], values: Mapping[str, str]) -> None:
    """Raise Missing when less of the pool's parameters is there than it requires."""
    if pool.require is Require.ANY:
        if not values:
            raise Missing(", ".join(names), "at least one of them is required by this pool")
        return
    if pool.type is PoolType.REFERRER_SEARCH:
        names = _SEARCH if "search_engine" in values else ("referrer_host",)
    if missing := [name for name in names if name not in values]:
        raise Missing(", ".join(missing), "required by this pool")


def _found(source: Source, name: str) -> str | None:
    on_page = source.url_parameters
    return on_page[name] if name in on_page else source.fact(name) or None


_FOLDS: dict[str, Callable[[str], str]] = {
    "search_engine": without_case,
    "search_keywords": without_case,
    "referrer_host": plain_host,
}
