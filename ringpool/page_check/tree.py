"""A page's elements and texts, as a browser shows them or as its HTML alone has them."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import TypeAlias

from msgspec import Struct, field

Node: TypeAlias = "Element | str"

_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param"}
    | {"source", "track", "wbr"}
)
_ENDED_BY = {
    "li": frozenset({"li"}),
    "p": frozenset({"p", "div", "ul", "ol", "table", "section", "footer", "h1", "h2", "h3", "hr"}),
    "option": frozenset({"option", "optgroup"}),
    "dt": frozenset({"dt", "dd"}),
    "dd": frozenset({"dt", "dd"}),
    "td": frozenset({"td", "th", "tr"}),
    "th": frozenset({"td", "th", "tr"}),
    "tr": frozenset({"tr"}),
    "head": frozenset({"body"}),
}
"""Elements whose end tag may be missing, and the elements that then end them."""

DEEPEST = 150
"""Elements nested deeper stand beside each other at this depth, so that any page can be walked."""


class Element(Struct, rename={"name": "n", "attributes": "a", "children": "c", "document": "d"}):
    """An element. ``shadow``: what its open shadow root holds; ``document``: the root element of a
    frame of the same origin. Both only as a browser sees them."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)
    shadow: list[Node] | None = field(default=None, name="s")
    document: Element | None = None

    def elements(self) -> Iterator[Element]:
        """This element and every one below it, those of its shadow roots included, frames' not."""
        waiting: list[Node] = [self]
        while waiting:
            node = waiting.pop()
            if isinstance(node, Element):
                yield node
                waiting += reversed([*(node.shadow or ()), *node.children])


def read_html(text: str) -> Element:
    """Make the tree of an HTML document; tag soup becomes some tree, never an error."""
    builder = _Builder()
    builder.feed(text)
    builder.close()
    return builder.root


class _Builder(HTMLParser):
    """Nests the tags. It knows which end tags may be missing, not all that a browser repairs."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("html")
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes: dict[str, str] = {}
        for name, value in attrs:
            attributes.setdefault(name, value or "")
        if tag == "html":
            self.root.attributes.update(attributes)
            return
        while tag in _ENDED_BY.get(self._open[-1].name, ()):
            self._open.pop()
        element = Element(tag, attributes)
        self._open[-1].children.append(element)
        if tag not in _VOID and len(self._open) < DEEPEST:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # HTML ignores the slash; in SVG it ends the element, and nothing inside matters here.
        self.handle_starttag(tag, attrs)
        if tag in ("path", "circle", "rect", "use", "line", "polygon"):
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        for depth in range(len(self._open) - 1, 0, -1):
            if self._open[depth].name == tag:
                del self._open[depth:]
                return

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)
