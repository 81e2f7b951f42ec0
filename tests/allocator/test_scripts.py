"""Lua files as scripts."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path

import pytest

from allocator.scripts import fold_constants, load
from tests.servers.stores import Server

PACKAGES = ("allocator", "ringpool.catalog", "ringpool.notifications")
SCRIPTS = [
    (package, str(file.relative_to(folder).with_suffix("")))
    for package in PACKAGES
    for folder in (Path(str(files(package) / "lua")),)
    for file in sorted(folder.rglob("*.lua"))
    if file.parent.name != "include"
]


def test_there_are_scripts() -> None:
    """The packages carry their Lua files."""
    assert {package for package, _ in SCRIPTS} == {*PACKAGES}


@pytest.mark.parametrize(("package", "name"), SCRIPTS)
def test_a_script_is_complete_and_the_server_knows_it_by_its_sha(
    package: str, name: str, valkey_server: Server
) -> None:
    """Its includes are filled in, its first line is ``#!lua``, it compiles, its SHA is right."""
    script = load(name, package)
    assert script.name == name
    assert script.text.startswith("#!lua")
    assert "--@include" not in script.text
    assert script.sha == hashlib.sha1(script.text.encode()).hexdigest()
    assert valkey_server.command("SCRIPT LOAD", script.text) in (script.sha, script.sha.encode())
    assert script.read_only == ("no-writes" in script.text.splitlines()[0])


def test_a_missing_script_is_a_missing_file() -> None:
    """Incomplete package data stops the import, it doesn't wait for a call."""
    with pytest.raises(FileNotFoundError):
        load("no_such_script")


def test_constants_take_the_place_of_their_names() -> None:
    """A declaration leaves an empty line, so that errors name the line of the source."""
    folded = fold_constants("local KEY, SIZE = KEYS[1], 2\nreturn state[SIZE], KEY, SIZES")
    assert folded == "\nreturn state[2], KEYS[1], SIZES"


@pytest.mark.parametrize(
    "text",
    [
        "call('TIME')",
        'call("TIME")',
        "call('it\\'s TIME')",
        "call('-- ', \"TIME\")",
        "call([[TIME]])",
        "-- TIME is in ms",
        "--[[ TIME\nTIME ]]",
        "call('a\\\\', 'TIME') -- it's TIME",
    ],
)
def test_strings_and_comments_stay_as_they_are(text: str) -> None:
    """A constant may be named as a command is, and a comment goes on naming it."""
    assert fold_constants(f"local TIME = 3\n{text}\nreturn TIME") == f"\n{text}\nreturn 3"


def test_a_constant_has_one_value() -> None:
    """Two includes that declare the same name would take each other's value."""
    with pytest.raises(ValueError, match="constants don't match"):
        fold_constants("local SIZE = 2\nlocal SIZE = 3")
    with pytest.raises(ValueError, match="constants don't match"):
        fold_constants("local SIZE, COUNT = 2")
