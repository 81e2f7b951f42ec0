"""ARCHITECTURE.md lists the rooms that there are, and every file says what it owns."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
LISTED = ("allocator", "ringpool", "api")
PACKAGES = (*LISTED, "snippet", "loadtests", "tests")


def rows(package: str) -> list[str]:
    """The rooms of a package's table; a folder ends with a slash."""
    section = TEXT[TEXT.index(f"\n### `{package}/`") + 1 :].partition("\n##")[0]
    return re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)


def rooms(package: str) -> Iterator[str]:
    """Every module and folder directly in a package."""
    for path in sorted((ROOT / package).iterdir()):
        if path.is_dir() and path.name != "__pycache__":
            yield f"{path.name}/"
        elif path.suffix == ".py" and path.name != "__init__.py":
            yield path.stem


def python_files() -> Iterator[Path]:
    """Every Python file of the project."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "node_modules" not in path.parts:
                yield path


@pytest.mark.parametrize("package", LISTED)
def test_every_room_has_one_row_and_every_row_a_room(package: str) -> None:
    """What isn't listed can't be found by a newcomer, and nothing is listed that isn't there."""
    assert sorted(rows(package)) == sorted(rooms(package))


def test_every_file_says_what_it_owns() -> None:
    """The first line of each file is a docstring that ends its sentence."""
    for path in python_files():
        text = ast.get_docstring(ast.parse(path.read_text("utf-8")))
        assert text, path
        assert text.splitlines()[0].rstrip().endswith((".", ":", ",", ";", "?")) or "\n" in text, (
            path
        )


def test_the_glossary_explains_words_that_the_code_uses() -> None:
    """A word that no file uses any more is taken out of the glossary."""
    glossary = TEXT[TEXT.index("\n## Glossary") :].partition("\n## Decisions")[0]
    words = re.findall(r"^\| \*\*([^*]+)\*\* \|", glossary, re.MULTILINE)
    assert len(words) > 8
    code = " ".join(
        path.read_text("utf-8").lower()
        for package in LISTED
        for kind in ("*.py", "*.lua")
        for path in (ROOT / package).rglob(kind)
    )
    for word in words:
        assert word in code, word
