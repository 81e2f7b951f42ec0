"""The question as texts: a command's options, a request's parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ringpool.faults import Fault
from ringpool.sizing.sizing import Question, Traffic
from ringpool.times import Duration

_T = TypeVar("_T")

_RATE = re.compile(
    r"(\d{1,12}(?:\.\d{1,9})?)\s*(?:/|per )\s*(s|m|h|d|w|second|minute|hour|day|week)"
)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,9})?")

FIELDS = {
    "clicks": "clicks, as in 48000/d, 2000/h or 3/s",
    "peak": "the busiest hour next to the average; default: 1",
    "distinct": "share of the clicks that bring a tuple of their own, as in 60%; default: 100%, "
    "or 0 with `keywords`",
    "keywords": "of how many tuples, which come again and again, the other clicks are",
    "zipf": "how uneven they are: the k-th is as busy as 1 / k to this power; default: 1",
    "peakedness": "how much more the load varies than at random; default: 1",
    "min_duration": "how long a number is a tuple's, as in 10m",
    "renewed": "0 where clicks and pings don't renew it (`hold_on_activity: 0s`); default: 1",
    "extension": "how long a visit goes on after its first click, on average, as in 3m: a tuple of "
    "its own has its number for so much longer, where it is renewed; default: 0s",
    "overflow": "share of new tuples that may find no number; default: 1%",
    "numbers": "how many there are; default: as many as are needed",
    "call_delay": "from click to call on average, as in 5m: tells how many calls come too late",
}
"""What may be given, and what it is. ``clicks`` and ``min_duration`` must be."""


def read(given: Mapping[str, str]) -> Question:
    """Return the question that texts ask; raises a Fault that names one that can't be read.

    Other names are ignored.
    """

    def value(name: str, parse: Callable[[str], _T], default: Any = None) -> _T:
        text = given.get(name, "").strip()
        if text:
            try:
                return parse(text)
            except ValueError:
                raise Fault(name, f"{text[:60]!r} isn't what is expected: {FIELDS[name]}") from None
        if default is None and name in ("clicks", "min_duration"):
            raise Fault(name, f"is needed: {FIELDS[name]}")
        found: _T = default
        return found

    keywords = value("keywords", _count, 0)
    return Question(
        traffic=Traffic(
            clicks=value("clicks", _rate),
            peak=value("peak", _number, 1.0),
            distinct=value("distinct", _share, 0.0 if keywords else 1.0),
            keywords=keywords,
            zipf=value("zipf", _number, 1.0),
            peakedness=value("peakedness", _number, 1.0),
        ),
        seconds=value("min_duration", _seconds),
        renewed=value("renewed", _switch, True),
        extension=value("extension", _seconds, 0.0),
        overflow=value("overflow", _share, 0.01),
        numbers=value("numbers", _count),
        call_delay=value("call_delay", _seconds),
    )


def _rate(text: str) -> float:
    match = _RATE.fullmatch(text)
    if match is None:
        raise ValueError
    return float(match[1]) / _SECONDS[match[2][0]]


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError
    return float(text)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise ValueError
    return int(text)


def _share(text: str) -> float:
    return _number(text[:-1].rstrip()) / 100 if text.endswith("%") else _number(text)


def _seconds(text: str) -> float:
    return Duration.parse(text) / 1000


def _switch(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError
    return text == "1"
