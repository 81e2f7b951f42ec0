"""The script's files and folders import each other without a circle."""

from __future__ import annotations

import re
from graphlib import TopologicalSorter
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "snippet" / "src"


def imports() -> dict[Path, set[Path]]:
    """Each file with the files that it imports."""
    return {
        path: {
            (path.parent / name).resolve()
            for name in re.findall(r'^import .* from "(\..*)";$', path.read_text(), re.MULTILINE)
        }
        for path in SOURCES.rglob("*.js")
    }


def test_files() -> None:
    """No file of the script imports itself by way of others, and each import leads to a file."""
    graph = imports()
    assert set().union(*graph.values()) <= graph.keys()
    TopologicalSorter(graph).prepare()  # raises CycleError with the circle


def test_folders() -> None:
    """No folder imports from one that imports from it; the files beside the folders join them."""
    graph: dict[Path, set[Path]] = {}
    for path, imported in imports().items():
        folders = {other.parent for other in imported} - {path.parent, SOURCES}
        if path.parent != SOURCES:
            graph.setdefault(path.parent, set()).update(folders)
    TopologicalSorter(graph).prepare()
