"""``ETag``, ``If-Match`` and ``If-None-Match`` of the managers' resources (RFC 9110)."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any

from api.http import replies
from api.http.description import Described, parameter
from api.http.replies import Reply
from api.http.request import Request
from api.managers.callers import Caller
from ringpool.catalog.condition import ANY_VERSION, Condition
from ringpool.faults import Fault
from ringpool.model import Entity

_TAG = r'[ \t]*(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*'
_FIRST = re.compile(_TAG)
_TAGS = re.compile(rf"{_TAG}(?:,{_TAG})*")

IF_MATCH = parameter(
    "If-Match",
    str,
    "header",
    text="The `ETag` of what is changed: 412 when it is another by now. `*`: whatever is there",
    example='"5f2b8c1d9a7e4f30b6c2d8e1"',
)
IF_NONE_MATCH = parameter(
    "If-None-Match",
    str,
    "header",
    text="`*`: only if there is none; 412 when there is one",
    example="*",
)
IF_CHANGED = parameter(
    "If-None-Match",
    str,
    "header",
    text="The `ETag` of an answer from before: 304 while it is the same",
    example='"5f2b8c1d9a7e4f30b6c2d8e1"',
)

ETAG: Described = {
    "ETag": {
        "description": "The version of it: every change of it makes another",
        "schema": {"type": "string"},
        "example": '"5f2b8c1d9a7e4f30b6c2d8e1"',
    }
}
"""The header of answers that show one version of something, for ``/openapi.json``."""

STALE = ("Changed", "pool ad-placement is not at the version named: read it again")
"""Class and detail of status 412."""


_EXPECTED = 'expected * or tags in quotes, such as "5f2b8c1d9a7e4f30b6c2d8e1"'


def invalid(header: str) -> tuple[str, str]:
    """Class and detail of status 400 for a header that is neither, for ``/openapi.json``."""
    return "InvalidParameter", f"{header}: {_EXPECTED}"


def etag(version: str) -> tuple[bytes, bytes]:
    """The header that tells a version."""
    return b"etag", f'"{version}"'.encode("ascii")


def listed(request: Request, value: Any) -> Reply:
    """A page of a list, which has no version but what it says; 304 where that is known."""
    reply = replies.json(value)
    tag = f'W/"{sha256(reply.body).hexdigest()[:24]}"'
    reply.headers.append((b"etag", tag.encode("ascii")))
    return _unless_known(request, reply, tag[3:-1])


def shown(request: Request, entity: Entity, version: str) -> Reply:
    """An entity at a version; 304 where that is known."""
    return _unless_known(request, replies.json(entity, headers=(etag(version),)), version)


def condition(
    request: Request, caller: Caller, *, exists: bool | None = None, named: bool = False
) -> Condition:
    """What must hold of the entity that a request changes; raises Fault for a header that is wrong.

    ``exists``, ``named``: what the method itself demands (see ``Condition``).
    """
    absent = _versions(request, "If-None-Match")
    if absent is not None:
        if absent != {ANY_VERSION} or exists:
            raise Fault("If-None-Match", "a change takes only *, and only where it may make one")
        exists = False
    versions = _versions(request, "If-Match")
    return Condition(account=caller.account, exists=exists, versions=versions, named=named)


def _unless_known(request: Request, reply: Reply, version: str) -> Reply:
    known = _versions(request, "If-None-Match")
    if known is None or not known & {ANY_VERSION, version}:
        return reply
    return replies.empty(
        [pair for pair in reply.headers if not pair[0].startswith(b"content-")], 304
    )


def _versions(request: Request, name: str) -> frozenset[str] | None:
    """The versions that a header names, None without it; raises Fault.

    Weak tags count as strong ones: a proxy that compresses an answer makes its tag weak, and ours
    are of what is kept, not of bytes.
    """
    wanted = name.lower().encode("ascii")
    lines = [value for key, value in request.headers if key == wanted]
    if not lines:
        return None
    text = b",".join(lines).decode("latin-1")
    if text.strip() == "*":
        return frozenset({ANY_VERSION})
    if _TAGS.fullmatch(text) is None:
        raise Fault(name, _EXPECTED)
    return frozenset(_FIRST.findall(text)) - {ANY_VERSION}
