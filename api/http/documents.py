"""JSON bodies of the managers' API: 400 for what isn't JSON, 422 for JSON that isn't accepted."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice
from typing import Any, TypeVar

import msgspec

from api.http.refusals import MAX_FAULTS, Refusal
from ringpool.config import codec
from ringpool.faults import Fault, Faults

T = TypeVar("T")

NOT_AN_OBJECT = Fault("document", "expected an object")

_PATH = re.compile(r" - at `\$\.?(.*)`$")
"""Where msgspec names the field in its messages."""


def decoded(decode: Callable[[bytes], T], body: bytes) -> T:
    """The body as ``decode`` makes it; raises Refusal 400, or Faults that name the field."""
    try:
        return decode(body)
    except msgspec.ValidationError as error:
        path = _PATH.search(str(error))
        field = path[1] if path else "document"
        raise Faults([Fault(field, _PATH.sub("", str(error)))]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(400, "InvalidDocument", f"not JSON: {error}") from None


def parsed_object(body: bytes) -> dict[str, Any]:
    """The body as a JSON object whose fields aren't checked yet; raises as ``decoded`` does."""
    document = decoded(msgspec.json.decode, body)
    if not isinstance(document, dict):
        raise Faults([NOT_AN_OBJECT])
    return document


def converted(document: object, kind: type[T]) -> T:
    """A decoded body as a struct; raises Faults that name every field that is wrong."""
    faults = list(islice(codec.faults(document, kind, ""), MAX_FAULTS + 1))
    if faults:
        raise Faults(faults)
    return codec.convert(document, kind)
