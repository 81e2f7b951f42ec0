"""The canonical parameter tuple: one text for one traffic source, however its URL was written.

The text is ``name=value`` joined with ``&``, in the pool's parameter order. Names are lower-case.
Values are NFC without blanks around them; ``%``, ``&`` and ``=`` in them are percent-encoded and
nothing else is. A missing parameter is left out, an empty one is ``name=``: missing isn't empty.
A tuple with every parameter missing is "", direct traffic. Percent-encoding of the URL is already
undone by then (``queries``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from ringpool.faults import Fault

MAX_VALUE = 512
"""Characters in a value, after it was made canonical."""

MAX_TUPLE = 2048
"""Bytes of UTF-8 in a canonical text."""

# NFC can shorten a text to a third, so more than this is too long in any case. It is refused before
# it is normalised: a run of 30,000 combining marks would take half a second.
_MAX_RAW_VALUE = 4 * MAX_VALUE

# Matches values that are canonical already, as nearly all are.
_CANONICAL = re.compile(rf"[\w.~:/+-]{{0,{MAX_VALUE}}}", re.ASCII).fullmatch

# C0, DEL, C1, and surrogates, which aren't text and have no UTF-8.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def canonical(names: Sequence[str], values: Mapping[str, str]) -> str:
    """The canonical text of ``values`` under ``names``, which are lower-case on both sides.

    Values under other names are ignored. Raises a Fault that names the parameter when a value is
    longer than MAX_VALUE or holds a control character or a lone surrogate; and one that names all
    of them when the text is longer than MAX_TUPLE.
    """
    fields = []
    for name in names:
        value = values.get(name)
        if value is not None:
            if not _CANONICAL(value):
                value = _escape(_canonical_value(name, value))
            fields.append(f"{name}={value}")
    text = "&".join(fields)
    # Four bytes are the most that a character takes: short texts needn't be encoded to be measured.
    if len(text) * 4 > MAX_TUPLE and (size := len(text.encode())) > MAX_TUPLE:
        raise Fault(", ".join(names), f"take {size} bytes together; {MAX_TUPLE} is the most")
    return text


def parse(text: str) -> dict[str, str]:
    """The names and values of a canonical text, in its order: the inverse of ``canonical``."""
    values: dict[str, str] = {}
    for field in text.split("&") if text else ():
        name, _, value = field.partition("=")
        values[name] = value.replace("%3D", "=").replace("%26", "&").replace("%25", "%")
    return values


def tidied(value: str) -> str:
    """The nearest value that ``canonical`` accepts, for input that its sender can't correct.

    Control characters and surrogates are dropped, what is over the length is cut off.
    """
    if value.isascii() and value.isprintable():
        return value[:_MAX_RAW_VALUE].strip()[:MAX_VALUE].rstrip()
    value = _CONTROL.sub("", value[:_MAX_RAW_VALUE])
    return unicodedata.normalize("NFC", value).strip()[:MAX_VALUE].rstrip()


def without_case(text: str) -> str:
    """A text as it is compared where neither case nor the number of blanks counts."""
    return " ".join(text.casefold().split())


def plain_host(text: str) -> str:
    """A host as it is compared: lower-case, without ``www.`` and the root's dot."""
    return text.strip().lower().rstrip(".").removeprefix("www.")


def _canonical_value(name: str, value: str) -> str:
    if len(value) <= MAX_VALUE and value.isascii() and value.isprintable():
        return value.strip()
    if len(value) <= _MAX_RAW_VALUE:
        if not (value.isascii() and value.isprintable()):
            if _CONTROL.search(value):
                raise Fault(name, "holds a control character or half a surrogate pair")
            value = unicodedata.normalize("NFC", value)
        value = value.strip()
    if len(value) > MAX_VALUE:
        raise Fault(name, f"has {len(value)} characters; {MAX_VALUE} is the most")
    return value


def _escape(value: str) -> str:
    if "%" in value or "&" in value or "=" in value:
        return value.replace("%", "%25").replace("&", "%26").replace("=", "%3D")
    return value
