"""JSON bodies of the managers' API: 400 for what is no JSON, 422 for what it mustn't say."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from api.http.refusals import Refusal
from ringpool.faults import Fault, Faults

T = TypeVar("T")

_PLACE = re.compile(r" - at `\$\.?(.*)`$")


def decoded(decode: Callable[[bytes], T], body: bytes) -> T:
    """The body as a struct; Faults name the field."""
    try:
        return decode(body)
    except msgspec.ValidationError as error:
        place = _PLACE.search(str(error))
        field = place[1] if place else "document"
        raise Faults([Fault(field, _PLACE.sub("", str(error)))]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(400, "InvalidDocument", f"not JSON: {error}") from None


def parsed_object(body: bytes) -> dict[str, Any]:
    """The body as an object that isn't checked yet."""
    document = decoded(msgspec.json.decode, body)
    if not isinstance(document, dict):
        raise Faults([Fault("document", "expected an object")])
    return document
