"""A caller or a visitor, and by what is known that something is theirs.

A caller is known by their number, and by its hashes under each signing key that is still there. A
visitor is known by an id that their browser has: the page script's, an ad network's click id, or a
cookie that a pool's tuples are made of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple
from urllib.parse import quote

import msgspec
from msgspec import Struct

from ringpool.faults import Fault
from ringpool.numbers import phone
from ringpool.security.callers import caller_hashes
from ringpool.security.signing import SigningKeys
from ringpool.visits.queries import read_query
from ringpool.visits.traffic import CLICK_IDS
from ringpool.visits.tuples import MAX_VALUE, canonical

FORGOTTEN = "forgotten"
"""The visitor of a tuple that was forgotten."""

BLANK = "{}"
"""The attributes of a click that was forgotten."""

CUT = "…"
"""At the end of a tuple: it goes on."""

_IDS = frozenset({"visitor", *CLICK_IDS})
_URLS = ("landing_page", "referrer")
_IN_WORD = "[A-Za-z0-9._:~-]"
_BEFORE = f"(?:(?<!{_IN_WORD})|(?<=%3[Dd])|(?<=%2[Ff6]))"  # escaped: = / &
_AFTER = f"(?!{_IN_WORD}|%3[Aa]|%7[Ee])"  # escaped: : ~

_attributes = msgspec.json.Decoder(dict[str, object]).decode


class Clicked(NamedTuple):
    """A tuple, and the attributes (JSON, "": none) of its first and last click."""

    tuple: str
    first: str = ""
    last: str = ""


class Person(Struct, frozen=True, kw_only=True):
    """``value``: the caller's number (E.164) or the visitor's id.

    ``texts``: what is searched for: all that is theirs contains one of them. ``hashes``: the
    caller's.
    """

    kind: Literal["caller", "visitor"]
    value: str
    texts: tuple[str, ...]
    hashes: frozenset[str] = frozenset()

    def has_called(self, caller: str, caller_hash: str) -> bool:
        """Whether a call is theirs."""
        return self.kind == "caller" and (caller == self.value or caller_hash in self.hashes)

    def has_tuple(self, tuple_: str) -> bool:
        """Whether a tuple has their id."""
        return self.renamed(tuple_) != tuple_

    def renamed(self, tuple_: str, other: str = FORGOTTEN) -> str:
        """The tuple with something else in the place of their id."""
        if self.kind == "caller":
            return tuple_
        fields = tuple_.split("&")
        for place, field in enumerate(fields):
            name, _, value = field.partition("=")
            cut = value.endswith(CUT) and place == len(fields) - 1
            if not (name in _IDS or name.startswith("cookie.")):
                continue
            if value == self._in_tuple or (cut and self._in_tuple.startswith(value[:-1])):
                fields[place] = f"{name}={other}"
        return "&".join(fields)

    def has_clicked(self, attributes: str) -> bool:
        """Whether a click is theirs, by its attributes (JSON)."""
        if self.kind == "caller" or not attributes:
            return False
        known = _attributes(attributes)
        if any(known.get(name) == self.value for name in CLICK_IDS):
            return True
        for name in _URLS:
            query = str(known.get(name, "")).partition("?")[2]
            given = read_query(query, lenient=True)
            if any(given.get(id_) == self.value for id_ in _IDS):
                return True
        return False

    def forgotten(self, clicked: Clicked) -> Clicked:
        """The same without what is theirs: of their tuple nothing stays."""
        if self.has_tuple(clicked.tuple):
            blanks = (BLANK if click else "" for click in clicked[1:])
            return Clicked(self.renamed(clicked.tuple), *blanks)
        kept = (BLANK if self.has_clicked(click) else click for click in clicked[1:])
        return Clicked(clicked.tuple, *kept)

    def is_named_in(self, text: str) -> bool:
        """Whether their number, its hash or their id is in a text as a whole word."""
        return any(text_ in text for text_ in self.texts) and bool(self._word.search(text))

    @property
    def _in_tuple(self) -> str:
        return canonical(["visitor"], {"visitor": self.value}).partition("=")[2]

    @property
    def _word(self) -> re.Pattern[str]:
        texts = "|".join(map(re.escape, self.texts))
        return re.compile(f"{_BEFORE}(?:{texts}){_AFTER}")


def caller(text: str, keys: SigningKeys, accounts: Iterable[str]) -> Person:
    """A caller by their number; raises a Fault that names it. ``accounts``: all that there are."""
    try:
        number = phone.parse(text)
    except ValueError as error:
        raise Fault("caller", str(error)) from None
    hashes = frozenset(
        each for account in accounts for each in caller_hashes(keys, account, number)
    )
    texts = (number, quote(number, safe=""), *sorted(hashes))
    return Person(kind="caller", value=number, texts=texts, hashes=hashes)


def visitor(text: str) -> Person:
    """A visitor by an id; raises a Fault that names it."""
    id_ = text.strip()
    if not id_:
        raise Fault("visitor", "expected an id")
    if len(id_) > MAX_VALUE or not id_.isprintable() or CUT in id_:
        raise Fault("visitor", f"expected an id: {MAX_VALUE} printable characters at most")
    if id_ == FORGOTTEN or id_.startswith(f"{FORGOTTEN}."):
        raise Fault("visitor", f"{FORGOTTEN!r} stands for who was forgotten")
    in_tuple = canonical(["visitor"], {"visitor": id_}).partition("=")[2]
    in_json = msgspec.json.encode(id_)[1:-1].decode()
    in_url = quote(id_, safe="")
    lower = re.sub("%..", lambda escape: escape[0].lower(), in_url)
    texts = dict.fromkeys((id_, in_tuple, in_json, in_url, lower, quote(id_)))
    return Person(kind="visitor", value=id_, texts=tuple(texts))
