"""Replies, each kind of content escaped for where it goes."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from api.http.refusals import Headers, Refusal
from ringpool.config.codec import encode_hook

NO_STORE = (b"cache-control", b"no-store")
CROSS_ORIGIN = (b"cross-origin-resource-policy", b"cross-origin")

_encode = msgspec.json.Encoder(enc_hook=encode_hook).encode
_XML_REFUSED = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Reply:
    """A whole answer: status, headers with Content-Length, and the body."""

    __slots__ = ("body", "headers", "status")

    def __init__(
        self,
        status: int,
        content_type: bytes,
        body: bytes,
        headers: Sequence[tuple[bytes, bytes]] = (NO_STORE,),
    ) -> None:
        self.status = status
        self.body = body
        self.headers: Headers = [
            (b"content-type", content_type),
            (b"content-length", b"%d" % len(body)),
            *headers,
        ]


def empty(headers: Sequence[tuple[bytes, bytes]] = (NO_STORE,), status: int = 204) -> Reply:
    """204 or 304: neither content nor its length."""
    reply = Reply(status, b"", b"")
    reply.headers = list(headers)
    return reply


class FieldFault(msgspec.Struct, frozen=True):
    """One field that is wrong, in a Problem."""

    field: str
    message: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True, rename={"class_": "class"}):
    """RFC 9457 problem details, with the error's class and the faults by field.

    ``class_`` is written ``class``.
    """

    title: str
    status: int
    class_: str
    detail: str
    type: str = "about:blank"
    errors: tuple[FieldFault, ...] = ()
    action: str = ""


def json(value: Any, status: int = 200, headers: Sequence[tuple[bytes, bytes]] = ()) -> Reply:
    """application/json; never stored."""
    return json_text(_encode(value), status, headers)


def json_text(body: bytes, status: int = 200, headers: Sequence[tuple[bytes, bytes]] = ()) -> Reply:
    """As ``json``, of a value that is encoded already."""
    return Reply(status, b"application/json", body, (NO_STORE, *headers))


def jsonp(callback: str, value: Any, headers: Sequence[tuple[bytes, bytes]] = ()) -> Reply:
    """A call of ``callback`` (checked before) with the value.

    Always 200: scripts with another status don't run. Pages that require CORP of what they embed
    (COEP) may load it: which pages may ask is decided before (``api.pages.origins``).
    """
    return jsonp_text(callback, script_safe(_encode(value)), headers)


def jsonp_text(callback: str, document: bytes, headers: Sequence[tuple[bytes, bytes]]) -> Reply:
    """As ``jsonp``, of a value that is encoded already and was made ``script_safe``.

    The empty comment keeps the first bytes from being taken for another format.
    """
    body = b"/**/%b(%b);" % (callback.encode("ascii"), document)
    return Reply(
        200, b"application/javascript; charset=utf-8", body, (NO_STORE, CROSS_ORIGIN, *headers)
    )


def script_safe(document: bytes) -> bytes:
    """The same JSON, safe inside a script.

    ``<`` and the line separators that JSON allows and older JavaScript doesn't are escaped.
    """
    return (
        document.replace(b"<", b"\\u003c")
        .replace(b"\xe2\x80\xa8", b"\\u2028")
        .replace(b"\xe2\x80\xa9", b"\\u2029")
    )


def xml(root: str, fields: Mapping[str, str], status: int = 200) -> Reply:
    """One element with one child a field."""
    children = (f"<{name}>{xml_text(text)}</{name}>" for name, text in fields.items())
    return xml_document(root, "".join(children), status)


def xml_text(text: str) -> str:
    """A text inside an element; what XML can't carry becomes U+FFFD."""
    return html.escape(_XML_REFUSED.sub(chr(0xFFFD), text), quote=False)


def xml_document(root: str, inner: str, status: int = 200) -> Reply:
    """One element; ``inner``: what is in it, escaped already."""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}>{inner}</{root}>\n'
    return Reply(status, b"application/xml; charset=utf-8", body.encode())


def csv_row(fields: Mapping[str, str]) -> Reply:
    """A header row and one row (RFC 4180).

    No guard against formulas is needed: every cell begins with text of ours (digits, ``+`` and
    digits, ``http``, a state), never with the caller's.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(fields.keys())
    writer.writerow(fields.values())
    return csv_document(text.getvalue())


def csv_document(text: str) -> Reply:
    """A table with a header row, written and safe already (``ringpool.reports.spreadsheet``)."""
    return Reply(200, b"text/csv; charset=utf-8; header=present", text.encode())


def plain(status: int, text: str) -> Reply:
    """Plain text, one line."""
    return Reply(status, b"text/plain; charset=utf-8", f"{text}\n".encode())


def problem(refused: Refusal) -> Reply:
    """application/problem+json."""
    document = Problem(
        title=HTTPStatus(refused.status).phrase,
        status=refused.status,
        class_=refused.kind,
        detail=refused.message,
        errors=tuple(FieldFault(fault.field, fault.message) for fault in refused.faults),
        action=refused.action,
    )
    return Reply(
        refused.status,
        b"application/problem+json",
        _encode(document),
        (NO_STORE, *refused.headers),
    )
