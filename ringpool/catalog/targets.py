"""The numbers that a request names in ``targets``, and the format that each is wanted in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from ringpool.faults import Fault
from ringpool.model import NumberFormat

MOST = 100
"""Targets that one request may name."""

_SHORT_TEXT = 300  # longer ones aren't remembered
_FORMATS = "|".join(NumberFormat)
_TARGET = re.compile(rf"(\+?\d{{4,15}}(?:;ext=\d{{1,11}})?)(?::({_FORMATS}))?", re.ASCII)


def read_targets(text: str) -> Mapping[str, NumberFormat | None]:
    """The numbers in ``targets``, split by commas, and the format that each is wanted in.

    That is written after a colon (``+18005550100:national``); None: the pool's. A plus that became
    a blank in the URL counts. Raises a Fault.
    """
    return _read(text) if len(text) <= _SHORT_TEXT else _read.__wrapped__(text)


@lru_cache(maxsize=1024)
def _read(text: str) -> Mapping[str, NumberFormat | None]:
    targets = [target.strip() for target in text.split(",") if target.strip()]
    if len(targets) > MOST:
        raise Fault("targets", f"at most {MOST}")
    formats: dict[str, NumberFormat | None] = {}
    for target in targets:
        matched = _TARGET.fullmatch(target)
        if matched is None:
            message = f"{target[:40]!r} is not a number in E.164, with :FORMAT ({_FORMATS}) or not"
            raise Fault("targets", message)
        number = f"+{matched[1].removeprefix('+')}"
        wanted = NumberFormat(matched[2]) if matched[2] else None
        if formats.setdefault(number, wanted) is not wanted:
            raise Fault("targets", f"{number} is there twice, with different formats")
    return formats
