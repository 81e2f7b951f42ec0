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
    r"a|abbr|b|bdi|bdo|code|data|em|font|i|label|mark|small|span|strong|su[bp]|time|tspan|u|wbr"
)
"""Elements that are part of the line that they stand in; all others begin one of their own."""

ATTRIBUTES = frozenset(
    {
        *("alt", "aria-description", "aria-label", "aria-placeholder", "aria-valuetext"),
        *("formaction", "href", "label", "placeholder", "title", "value", "xlink:href"),
    }
)
"""Attributes that the script swaps, in every version."""

UNREAD = frozenset({"style", "noscript", "textarea", "script"})
"""Elements whose text stays."""

NOSWAP = "data-rp-noswap"

_BUTTONS = ("button", "submit", "reset")
_ADDRESSES = ("href", "xlink:href", "formaction")
_DIALS = re.compile(r"\s*(tel|callto|skype|facetime[-a-z]*):[\s/]*", re.IGNORECASE)
_BEGINS_NUMBER = re.compile(r"[\d+(]")
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


EDITED = Reason("visitor", "contenteditable: visitors write there")


class Place(Struct, frozen=True):
    """A line of text, or an attribute's value. ``where``: the elements around it, as a selector.

    ``attribute``: its name; "" for a text. ``refused``: None where the script may swap.
    """

    where: str
    attribute: str
    text: str
    refused: Reason | None = None


class Seen(Struct, frozen=True):
    """What the tag adds: ``jsonld``: it has ``data-jsonld``; ``attributes``: those in
    ``data-attributes``."""

    jsonld: bool = False
    attributes: frozenset[str] = frozenset()


def places(root: Element, *, seen: Seen) -> Iterator[Place]:
    """Every place of a page in its order. ``seen``: what the tag adds.

    Two trees of the same elements give the same places, whatever their texts.
    """
    yield from _of_element(root, (), None, seen=seen)


def _of_element(
    element: Element, path: tuple[str, ...], refused: Reason | None, *, seen: Seen
) -> Iterator[Place]:
    """The attributes, lines, shadow root and frame of an element that begins a line."""
    path = (*path, _named(element))
    yield from _attributes(element, path, refused, seen)
    refused = refused or _refusal(element, seen=seen)
    yield from _lines(element.children, path, refused, seen=seen)
    yield from _inside(element, path, refused, seen=seen)


def _inside(
    element: Element, path: tuple[str, ...], refused: Reason | None, *, seen: Seen
) -> Iterator[Place]:
    if element.shadow is not None:
        yield from _lines(element.shadow, (*path, "#shadow-root"), refused, seen=seen)
    if element.document is not None:  # a page of its own: what is marked around it doesn't count
        yield from _of_element(element.document, path, None, seen=seen)


def _lines(
    nodes: list[Node], path: tuple[str, ...], refused: Reason | None, *, seen: Seen
) -> Iterator[Place]:
    """The lines of a block, and what stands in blocks inside it."""
    line: list[str] = []
    inside: list[Iterator[Place]] = []

    def walk(nodes: list[Node], path: tuple[str, ...]) -> Iterator[Place]:
        for node in nodes:
            if isinstance(node, str):
                line.append(node)
                continue
            around = None if refused == EDITED and _is_island(node) else refused
            reason = around or _refusal(node, seen=seen)
            if INLINE.fullmatch(node.name) and reason == refused and not _is_island(node):
                inner = (*path, _named(node))
                inside.append(_attributes(node, inner, refused, seen))
                inside.append(_inside(node, inner, refused, seen=seen))
                yield from walk(node.children, inner)
            else:
                yield _line(line, path, refused)
                line.clear()
                inside.append(_of_element(node, path, around, seen=seen))

    yield from walk(nodes, path)
    yield _line(line, path, refused)
    for more in inside:
        yield from more


def _line(texts: list[str], path: tuple[str, ...], refused: Reason | None) -> Place:
    text = "".join(texts)
    if any(re.match(r"pre\b", name) for name in path):  # there, a line break ends the line
        text = text.replace("\n", "\0")
    return Place(_joined(path), "", text, refused)


def _attributes(
    element: Element, path: tuple[str, ...], refused: Reason | None, seen: Seen
) -> Iterator[Place]:
    for name, value in element.attributes.items():
        if name in _QUIET or (element.name == "script" and name.startswith("data-")):
            continue
        reason = _untouchable(element) or refused or _attribute_refusal(element, name, value, seen)
        if name in _ADDRESSES and (scheme := _DIALS.match(unquote(value))):
            value = unquote(value)[scheme.end() :]
            if not _BEGINS_NUMBER.match(value):
                reason = reason or Reason("data", "it dials something else")
        yield Place(_joined(path), name, value, reason)


def _refusal(element: Element, *, seen: Seen) -> Reason | None:
    """Why the texts in an element stay; None when they don't."""
    if element.name == "script" and "ld" in element.attributes.get("type", ""):
        named = Reason("data", "JSON-LD is swapped with data-jsonld in the tag")
        return None if seen.jsonld else named
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
        return EDITED
    return None


def _is_island(element: Element) -> bool:
    """What visitors don't edit, though they may what is around it."""
    return element.attributes.get("contenteditable", "").lower() == "false"


def _attribute_refusal(element: Element, name: str, value: str, seen: Seen) -> Reason | None:
    if name not in ATTRIBUTES | seen.attributes:
        return Reason("data", f"the attribute {name} isn't swapped")
    if name in _ADDRESSES and not _DIALS.match(unquote(value)):
        return Reason("data", "an address is swapped only where it dials")
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
