"""Where a page shows, says or dials something: lines of text and attributes, and which of them the
page script leaves alone. The rules are those of ``snippet/src/page/``, which a test compares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal
from urllib.parse import unquote

from msgspec import Struct

from ringpool.page_check.tree import Element, Node

INLINE = re.compile(
    r"a|abbr|b|bdi|bdo|cite|code|data|em|font|i|label|mark|small|span|strong|su[bp]|time|tspan|u|wbr"
)
"""Elements that are part of the line that they stand in; all others begin one of their own."""

ATTRIBUTES = frozenset({"aria-label", "title", "alt", "placeholder", "value", "href"})
"""Attributes that the script swaps, in every version."""

UNREAD = frozenset({"style", "noscript", "textarea", "script"})
"""Elements whose text stays."""

NOSWAP = "data-rp-noswap"

_BUTTONS = ("button", "submit", "reset")
_DIALS = re.compile(r"\s*(tel|callto):", re.IGNORECASE)
_BEFORE_NUMBER = re.compile(r"^[^\d+(]*")
_QUIET = frozenset({"class", "id", "style", "src", "srcset", "srcdoc", "nonce", "d"})
"""Attributes that neither show nor dial anything: a number in them isn't worth a word."""


class Reason(Struct, frozen=True):
    """Why the script leaves a place alone.

    ``kind``: ``owner`` where the site's owner says so, ``data`` where no visitor reads or dials it,
    ``visitor`` where visitors write, ``other`` where the digits are part of something else, and
    ``unexplained``, which is worth a look.
    """

    kind: Literal["owner", "data", "visitor", "other", "unexplained"]
    message: str


class Place(Struct, frozen=True):
    """A line of text, or an attribute's value. ``where``: the elements around it, as a selector.

    ``attribute``: its name; "" for a text. ``refused``: None where the script may swap.
    """

    where: str
    attribute: str
    text: str
    refused: Reason | None = None


def places(root: Element, *, jsonld: bool) -> Iterator[Place]:
    """Every place of a page in its order. ``jsonld``: the tag has ``data-jsonld``.

    Two trees of the same elements give the same places, whatever their texts.
    """
    yield from _of_element(root, (), None, jsonld=jsonld)


def _of_element(
    element: Element, path: tuple[str, ...], refused: Reason | None, *, jsonld: bool
) -> Iterator[Place]:
    """The attributes, lines, shadow root and frame of an element that begins a line."""
    path = (*path, _named(element))
    yield from _attributes(element, path, refused)
    refused = refused or _refusal(element, jsonld=jsonld)
    yield from _lines(element.children, path, refused, jsonld=jsonld)
    yield from _inside(element, path, refused, jsonld=jsonld)


def _inside(
    element: Element, path: tuple[str, ...], refused: Reason | None, *, jsonld: bool
) -> Iterator[Place]:
    if element.shadow is not None:
        yield from _lines(element.shadow, (*path, "#shadow-root"), refused, jsonld=jsonld)
    if element.document is not None:  # a page of its own: what is marked around it doesn't count
        yield from _of_element(element.document, path, None, jsonld=jsonld)


def _lines(
    nodes: list[Node], path: tuple[str, ...], refused: Reason | None, *, jsonld: bool
) -> Iterator[Place]:
    """The lines of a block, and what stands in blocks inside it."""
    line: list[str] = []
    inside: list[Iterator[Place]] = []

    def walk(nodes: list[Node], path: tuple[str, ...]) -> Iterator[Place]:
        for node in nodes:
            if isinstance(node, str):
                line.append(node)
                continue
            reason = refused or _refusal(node, jsonld=jsonld)
            if INLINE.fullmatch(node.name) and reason == refused:
                inner = (*path, _named(node))
                inside.append(_attributes(node, inner, refused))
                inside.append(_inside(node, inner, refused, jsonld=jsonld))
                yield from walk(node.children, inner)
            else:
                yield _line(line, path, refused)
                line.clear()
                inside.append(_of_element(node, path, refused, jsonld=jsonld))

    yield from walk(nodes, path)
    yield _line(line, path, refused)
    for more in inside:
        yield from more


def _line(texts: list[str], path: tuple[str, ...], refused: Reason | None) -> Place:
    text = "".join(texts)
    if any(re.match(r"pre\b", name) for name in path):  # there, a line break ends the line
        text = text.replace("\n", "\0")
    return Place(_joined(path), "", text, refused)


def _attributes(element: Element, path: tuple[str, ...], refused: Reason | None) -> Iterator[Place]:
    for name, value in element.attributes.items():
        if name in _QUIET or (element.name == "script" and name.startswith("data-")):
            continue
        reason = _untouchable(element) or refused or _attribute_refusal(element, name, value)
        if name == "href" and _DIALS.match(value):
            value = _BEFORE_NUMBER.sub("", unquote(value))
        yield Place(_joined(path), name, value, reason)


def _refusal(element: Element, *, jsonld: bool) -> Reason | None:
    """Why the texts in an element stay; None when they don't."""
    if element.name == "script" and "ld" in element.attributes.get("type", ""):
        return None if jsonld else Reason("data", "JSON-LD is swapped with data-jsonld in the tag")
    if element.name == "textarea":
        return Reason("visitor", "a <textarea> is where visitors write")
    hidden = element.name == "template" and "shadowrootmode" not in element.attributes
    if element.name in UNREAD or hidden:
        return Reason("data", f"a <{element.name}> isn't shown to visitors")
    return _untouchable(element)


def _untouchable(element: Element) -> Reason | None:
    """Why an element stays with its attributes; None when it doesn't."""
    if NOSWAP in element.attributes:
        return Reason("owner", f"marked with {NOSWAP}")
    if element.attributes.get("contenteditable", "false").lower() != "false":
        return Reason("visitor", "contenteditable: visitors write there")
    return None


def _attribute_refusal(element: Element, name: str, value: str) -> Reason | None:
    if name not in ATTRIBUTES:
        return Reason("data", f"the attribute {name} isn't swapped")
    if name == "href" and not _DIALS.match(value):
        return Reason("data", "an href is swapped only where it dials")
    is_button = element.name == "input" and element.attributes.get("type") in _BUTTONS
    if name == "value" and not is_button:
        return Reason("visitor", "what visitors type, or what a form sends")
    return None


def _named(element: Element) -> str:
    attributes = element.attributes
    if attributes.get("id", "").isidentifier():
        return f"{element.name}#{attributes['id']}"
    first, *_ = attributes.get("class", "").split() or [""]
    return f"{element.name}.{first}" if first else element.name


def _joined(path: tuple[str, ...]) -> str:
    """The last elements of a path; those above say little more."""
    return " > ".join(path[-4:])
