"""The lock files, requirements-*.txt: whole, with hashes, and as pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
OVERRIDES = {
    canonicalize_name(wanted.name): wanted
    for wanted in map(Requirement, PYPROJECT["tool"]["uv"]["override-dependencies"])
}
WANTED = {
    "runtime": PROJECT["dependencies"],
    "build": PYPROJECT["dependency-groups"]["build"],
    "development": [
        *PROJECT["dependencies"],
        *(text for extra in EXTRAS.values() for text in extra),
    ],
    "lowest": [*PROJECT["dependencies"], *EXTRAS["test"]],
}
"""What each file is made from."""

PINNED = re.compile(
    r"(?P<name>[a-z0-9-]+)==(?P<version>[^ ]+)"
    r"(?: ; [^\\\n]*[^\\\n ])?"  # a marker
    r"(?P<hashes>(?: \\\n    --hash=\S+)*)"
    r"(?:\n    #.*)*"  # whose dependency it is
)


def text(lock: str) -> str:
    return (ROOT / f"requirements-{lock}.txt").read_text("utf-8")


def pins(lock: str) -> dict[str, set[Version]]:
    """The versions of each package: several where they differ by Python version."""
    found: dict[str, set[Version]] = {}
    for match in PINNED.finditer(text(lock)):
        found.setdefault(match["name"], set()).add(Version(match["version"]))
    return found


def wanted(lock: str) -> Iterator[Requirement]:
    """What pyproject.toml asks of a lock: the newest versions are made with its overrides."""
    for line in WANTED[lock]:
        requirement = Requirement(line)
        override = OVERRIDES.get(canonicalize_name(requirement.name))
        yield override if override and lock != "lowest" else requirement


@pytest.mark.parametrize("lock", WANTED)
def test_a_lock_is_pins_with_hashes(lock: str) -> None:
    """Nothing else is in it: no option, no index, no address."""
    rest = PINNED.sub("", text(lock))
    assert [line for line in rest.splitlines() if line and not line.startswith("#")] == []
    assert "://" not in text(lock)
    for match in PINNED.finditer(text(lock)):
        hashes = match["hashes"].replace("\\", "").split()
        assert hashes, match["name"]
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", each) for each in hashes)


@pytest.mark.parametrize("lock", WANTED)
def test_a_lock_has_what_the_project_asks_for(lock: str) -> None:
    """Every requirement is pinned, within its range."""
    pinned = pins(lock)
    for requirement in wanted(lock):
        versions = pinned.get(canonicalize_name(requirement.name))
        assert versions, f"{requirement} isn't in requirements-{lock}.txt: make lock"
        for version in versions:
            assert requirement.specifier.contains(version), (
                f"{requirement}, not {version}: make lock"
            )


def test_the_lowest_versions_are_those_of_the_ranges() -> None:
    """So that what is tested is what pyproject.toml promises to work with."""
    pinned = pins("lowest")
    for requirement in wanted("lowest"):
        (lower,) = (
            Version(each.version) for each in requirement.specifier if each.operator == ">="
        )
        (version,) = pinned[canonicalize_name(requirement.name)]
        assert version.release[: len(lower.release)] == lower.release, requirement


def test_one_version_of_each_package() -> None:
    """What runs in the image and what builds it is what was tested."""
    tested = pins("development")
    for lock in ("runtime", "build"):
        assert pins(lock).items() <= tested.items()


@pytest.mark.parametrize("lock", ["runtime", "build"])
def test_a_lock_is_whole(lock: str) -> None:
    """It is installed without looking for dependencies, so those of its packages are in it."""
    pinned = pins(lock)
    for name in pinned:
        if name == "async-timeout":  # for Python 3.11.0 to 3.11.2
            continue
        for requirement in map(Requirement, requires(name) or ()):
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                assert canonicalize_name(requirement.name) in pinned, f"{requirement} of {name}"


def test_python_versions() -> None:
    """The locks are made for the oldest Python that the project runs on."""
    oldest = SpecifierSet(PROJECT["requires-python"])
    (made_for,) = re.findall(r"--python-version (\S+)", (ROOT / "Makefile").read_text("utf-8"))
    assert str(oldest) == f">={made_for}"
