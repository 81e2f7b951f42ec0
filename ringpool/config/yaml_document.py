"""Text to plain values, with YAML's traps closed: bombs, loops, depth, duplicate keys, tags.

What comes out is what JSON could say. Dates stay text: no field of ours is one, and a wrong day
would otherwise fail far from its line.
"""

from __future__ import annotations

import contextlib
from typing import Any

import yaml

from ringpool.config.codec import key_text
from ringpool.faults import Fault, Faults

MAX_CHARACTERS = 256 * 1024 * 1024
MAX_VALUES = 20_000_000
"""How many values a document may hold once its aliases are written out."""
MAX_DEPTH = 32
ALIASED_VALUES = 10_000
"""How many values aliases may add to any document, however short."""
ALIASED_PER_VALUE = 5
"""How many more they may add for each value in the text, so that work is linear in its length."""

_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("map", "seq", "str", "int", "float", "bool", "null", "merge")
)
_BASE: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_BASE):  # type: ignore[misc, valid-type]
    yaml_implicit_resolvers = {  # noqa: RUF012 - the name and shape are PyYAML's
        first: [(tag, regexp) for tag, regexp in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in _BASE.yaml_implicit_resolvers.items()
    }


def load(text: str, twice: list[Fault] | None = None) -> object:
    """Parse one YAML document; raises Faults whose field is ``line L, column C``.

    ``twice``: takes the faults of keys that stand twice, if there are no others: of each the last
    counts then. Without it they are raised too.
    """
    if len(text) > MAX_CHARACTERS:
        raise Faults([Fault("document", f"longer than {MAX_CHARACTERS} characters")])
    try:
        _check_depth(text)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            graph = _Graph()
            faults = graph.faults(node)
            if faults and (twice is None or not graph.readable):
                raise Faults(faults)
            if twice is not None:
                twice += faults
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except Faults:
        raise
    except yaml.reader.ReaderError as error:
        where = f"character {error.position + 1}"
        raise Faults([Fault(where, f"not YAML: {error.reason}")]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = _position(mark) if mark is not None else "document"
        problem = " ".join(part for part in (error.problem, error.context) if part)
        raise Faults([Fault(where, f"not YAML: {problem}")]) from None
    except ValueError as error:  # a scalar that isn't what its tag says, or a lone surrogate
        raise Faults([Fault("document", f"not YAML: {error}")]) from None


class Places:
    """Where the values of a document stand; raises Faults for one that can't be read."""

    def __init__(self, text: str) -> None:
        _check_depth(text)
        loader = _Loader(text)
        try:
            self._root = loader.get_single_node()
        finally:
            loader.dispose()

    def line(self, path: str) -> int:
        """Return the line (from 1) of a path such as ``pools[0].numbers[2]``.

        Of one that leads nowhere it is the line of where it leads last: a key that is missing is
        missing there. 0: of the document as a whole.
        """
        node, line, rest = self._root, 0, path
        while rest:
            found = _step(node, rest)
            if found is None:
                break
            start, node, rest = found
            line = start.start_mark.line + 1
        return line


def _step(node: yaml.Node | None, path: str) -> tuple[yaml.Node, yaml.Node, str] | None:
    """Return where the next value of a path begins, the value, and the rest of the path."""
    if isinstance(node, yaml.SequenceNode):
        index, bracket, rest = path.removeprefix("[").partition("]")
        if path[0] == "[" and bracket and index.isdecimal() and int(index) < len(node.value):
            item = node.value[int(index)]
            return item, item, rest.removeprefix(".")
    if isinstance(node, yaml.MappingNode):
        for key, value in reversed(node.value):  # the last of those that stand twice counts
            name = key_text(key.value) if isinstance(key, yaml.ScalarNode) else ""
            if name and path.startswith(name) and path[len(name) : len(name) + 1] in ("", ".", "["):
                return key, value, path[len(name) :].removeprefix(".")
    return None


def _position(mark: Any) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}"


def _check_depth(text: str) -> None:
    """Refuse deep nesting before composing, which recurses in C and would end the process.

    PyYAML's scanner reads ahead of the events, and since 6.0.3 has a nesting limit of its own. So
    an error of it may come before the event that goes too deep: what leads up to it is looked at
    again without the character that caused it.
    """
    try:
        _check_depth_of_events(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        if mark is not None and mark.index < len(text):
            with contextlib.suppress(yaml.YAMLError):
                _check_depth_of_events(text[: mark.index])
        raise


def _check_depth_of_events(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise _too_deep(event.start_mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _too_deep(mark: Any) -> Faults:
    return Faults([Fault(_position(mark), f"nested deeper than {MAX_DEPTH} levels")])


class _Graph:
    """One walk over the composed nodes, each visited once however many aliases point to it.

    ``readable``: no fault was found but that keys stand twice.
    """

    def __init__(self) -> None:
        self.readable = True
        self._sizes: dict[int, tuple[int, int]] = {}
        self._open: set[int] = set()
        self._in_text = 0
        self._faults: list[Fault] = []

    def faults(self, root: yaml.Node) -> list[Fault]:
        values, _ = self._size(root)
        most = min(MAX_VALUES, self._in_text + ALIASED_VALUES + self._in_text * ALIASED_PER_VALUE)
        if values > most:
            message = f"more than {most} values once its aliases are written out"
            self._unreadable("document", message)
        return self._faults

    def _size(self, node: yaml.Node) -> tuple[int, int]:
        """How many values and levels a node stands for with every alias written out."""
        self._in_text += 1
        if node.tag not in _TAGS:
            message = f"the tag {node.tag!r} isn't known here"
            self._unreadable(_position(node.start_mark), message)
        if isinstance(node, yaml.ScalarNode):
            return 1, 0
        known = self._sizes.get(id(node))
        if known is not None:
            return known
        if id(node) in self._open:
            raise Faults([Fault(_position(node.start_mark), "an alias inside what it names")])
        self._open.add(id(node))
        if isinstance(node, yaml.MappingNode):
            self._check_keys(node)
            children = [part for pair in node.value for part in pair]
        else:
            children = node.value
        values, depth = 1, 0
        for child in children:
            below, levels = self._size(child)
            values += below
            depth = max(depth, levels + 1)
        if depth > MAX_DEPTH:
            raise _too_deep(node.start_mark)
        self._open.discard(id(node))
        self._sizes[id(node)] = values, depth
        return values, depth

    def _unreadable(self, where: str, message: str) -> None:
        self.readable = False
        self._faults.append(Fault(where, message))

    def _check_keys(self, node: yaml.MappingNode) -> None:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or not key.tag.endswith((":str", ":merge")):
                self._unreadable(_position(key.start_mark), "a key must be text")
            elif key.value in seen:
                message = f"the key {key.value!r} stands here twice"
                self._faults.append(Fault(_position(key.start_mark), message))
            else:
                seen.add(key.value)
