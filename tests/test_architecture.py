"""ARCHITECTURE.md lists the modules that there are, with the names that they have."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("ringpool", "allocator", "api", "snippet")
TEXT = (ROOT / "ARCHITECTURE.md").read_text("utf-8")


def rows(package: str) -> list[tuple[str, str]]:
    """The modules of a package's table, each with the cell of its public names."""
    section = TEXT[TEXT.index(f"\n## `{package}/`") + 1 :].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [(name.strip("`"), names) for name, _, names in cells]


def modules(package: str) -> Iterator[str]:
    """Every module of a package by its path in it; a package within it by its folder."""
    folder = ROOT / package
    for path in folder.rglob("*.py"):
        inner = path.relative_to(folder)
        if "node_modules" in inner.parts or inner == Path("__init__.py"):
            continue
        yield str(inner.parent if inner.name == "__init__.py" else inner.with_suffix(""))


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_has_a_row(package: str) -> None:
    """What isn't listed can't be found by a newcomer, and no module is listed twice."""
    listed = [name for name, _ in rows(package)]
    assert len(listed) == len(set(listed))
    assert set(modules(package)) <= set(listed)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_row_has_a_module(package: str) -> None:
    """A row is a module, or files that are no Python."""
    known = set(modules(package))
    for name, _ in rows(package):
        assert name in known or any((ROOT / package).glob(name)), name


def signatures(package: str) -> Iterator[tuple[str, str]]:
    """Each name that the table tells as public, as written, with its module."""
    for module, cell in rows(package):
        told = re.sub(r" \([^()]*\)", "", cell)  # without asides
        for code in re.findall(r"`([^`]+)`", told):
            for text in [code] if "(" in code else code.split():
                yield f"{package}.{module.replace('/', '.')}", text


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names_are_those_of_the_code(package: str) -> None:
    """A name is in its module; a signature names all parameters that must be given, in order."""
    for module, text in signatures(package):
        name, _, told = text.partition("(")
        found = importlib.import_module(module)
        for part in name.split("."):
            assert hasattr(found, part), f"{module} has no {text}"
            found = getattr(found, part)
        if told:
            (function,) = ast.parse(f"def {text.replace(name, 'f', 1)}: ...").body
            assert isinstance(function, ast.FunctionDef)
            named = [a.arg for a in (*function.args.args, *function.args.kwonlyargs)]
            parameters = inspect.signature(found).parameters
            needed = [p.name for p in parameters.values() if p.default is p.empty]
            assert named == list(parameters)[: len(named)], f"{module}: {text}"
            assert set(needed) <= set(named), f"{module}: {text}"
