"""What others named, printed on the operator's terminal: it can't steer that."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
import yaml
from click.testing import Result

import ringpool.cli
from ringpool.printable import is_printable, printable, printable_json
from tests.ringpool.cli.conftest import Run

HOSTILE = "a\x1b[2J\x1b]0;owned\x07\nfake\r\x9b31m\u202egnp\u2066\x7f"


def test_what_steers_a_terminal_is_written_as_an_escape() -> None:
    """Control characters, line ends and marks of direction; letters of any script stay."""
    assert printable("Ü ŵ 漢 \x1b[2J\n\u202e") == "Ü ŵ 漢 \\x1b[2J\\x0a\\u202e"
    assert printable("\ud800") == "\\ud800"
    document = json.dumps([HOSTILE, "Ü"], ensure_ascii=False)
    assert json.loads(printable_json(document)) == [HOSTILE, "Ü"]
    assert is_printable(printable_json(document))
    assert not is_printable(document)


@pytest.fixture
def hostile(run: Run) -> Run:
    """An account and a pool with such a name are there."""
    document = {
        "accounts": [{"id": "acme", "name": HOSTILE}],
        "pools": [
            {
                "id": "p",
                "account": "acme",
                "name": HOSTILE,
                "parameters": ["a"],
                "allow_overflow": False,
                "swap_targets": ["+18005550100"],
                "when": {"path": HOSTILE},
                "landing_url": "https://www.acme.example/",
            }
        ],
    }
    done = run("apply", "-", stdin=yaml.safe_dump(document))
    assert done.exit_code == 0, done.output
    return run


def steering(result: Result) -> str:
    """The lines of what was printed that would steer a terminal."""
    lines = (result.stdout + result.stderr).split("\n")
    return "\n".join(repr(line) for line in lines if not is_printable(line))


@pytest.mark.parametrize(
    "command",
    [
        "apply -",
        "apply - --json",
        "apply - --dry-run",
        "export",
        "export --json",
        "pool list",
        "pool list --json",
        "pool show p",
        "pool show p --json",
        "explain --url https://x.example/?a=1",
        "explain --url https://x.example/?a=1 --json",
        "link p",
        "snippet acme --pinned",
        "doctor",
        "log",
        "log --json",
        "log show 1",
        "log show 1 --json",
        "undo 1 --dry-run",
    ],
)
def test_no_command_passes_on_what_steers_a_terminal(hostile: Run, command: str) -> None:
    """Nor do two lines come of one name."""
    changed = HOSTILE + "\x1b[31m"
    document = {"accounts": [{"id": "acme", "name": changed}]}
    result = hostile(*command.split(), stdin=yaml.safe_dump(document))
    assert steering(result) == ""
    assert not [line for line in result.stdout.split("\n") if line.startswith("fake")]
    exported = hostile("export").stdout
    name = changed if command in ("apply -", "apply - --json") else HOSTILE
    assert yaml.safe_load(exported)["accounts"][0]["name"] == name


def test_a_fault_does_not_pass_it_on(run: Run) -> None:
    """What is wrong with a file is told in the words of the file."""
    document = {HOSTILE: [], "accounts": [{"id": HOSTILE, HOSTILE: 1, "origins": [HOSTILE]}]}
    result = run("apply", "-", stdin=yaml.safe_dump(document))
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 3
    assert steering(result) == ""
    assert steering(run("pool", "show", HOSTILE)) == ""


def test_commands_write_through_one_place() -> None:
    """Whoever writes past ``output`` writes what others named as it is."""
    for path in Path(ringpool.cli.__file__).parent.glob("*.py"):
        if path.name == "output.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in ("echo", "secho", "ClickException"):
                pytest.fail(f"{path.name}:{node.lineno}: use ringpool.cli.output")
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print":
                pytest.fail(f"{path.name}:{node.lineno}: use ringpool.cli.output")
