"""Lua files as scripts."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path

import pytest

from allocator.scripts import load
from tests.servers.stores import Server

SCRIPTS = [
    (package, str(file.relative_to(folder).with_suffix("")))
    for package in ("allocator", "ringpool.catalog")
    for folder in (Path(str(files(package) / "lua")),)
    for file in sorted(folder.rglob("*.lua"))
    if file.parent.name != "include"
]


def test_there_are_scripts() -> None:
    """The packages carry their Lua files."""
    assert {package for package, _ in SCRIPTS} == {"allocator", "ringpool.catalog"}


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
