"""A pool's `values`: which values of its parameters are legitimate.

Patterns are RE2's: their time is linear in the length of the value, whatever they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

import re2

from ringpool.faults import Fault, UnknownValue
from ringpool.model import AllowedValues, Pool, ValuePattern
from ringpool.visits.tuples import tidied

_MAX_PATTERN_MEMORY = 1 << 20
_MAX_SHOWN = 64


def check_values(pool: Pool, values: Mapping[str, str]) -> None:
    """Raise UnknownValue for the first value that the pool doesn't name; missing is none.

    ``values``: by parameter, as they were given.
    """
    for name, allowed in (pool.values or {}).items():
        value = values.get(name.lower())
        if value is not None and not _test(allowed)(tidied(value)):
            raise UnknownValue(name.lower(), f"{value[:_MAX_SHOWN]!r} is none of the pool's values")


def allowed_faults(path: str, allowed: AllowedValues) -> Iterator[Fault]:
    """Yield what is wrong with the values of one parameter."""
    if isinstance(allowed, ValuePattern):
        try:
            _compile(allowed.pattern)
        except re2.error as error:
            reason = error.args[0].decode("utf-8", "replace")
            yield Fault(f"{path}.pattern", f"not a pattern of RE2: {reason}")


@lru_cache(maxsize=4096)
def _test(allowed: AllowedValues) -> Callable[[str], bool]:
    if isinstance(allowed, ValuePattern):
        search = _compile(allowed.pattern).search
        return lambda value: search(value) is not None
    known = frozenset(map(tidied, allowed))
    return known.__contains__


def _compile(pattern: str) -> re2._Regexp:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_PATTERN_MEMORY
    return re2.compile(pattern, options)
