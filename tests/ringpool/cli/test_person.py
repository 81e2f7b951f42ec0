"""``ringpool person`` and ``ringpool forget``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from allocator.answers import Ask
from ringpool.archive.database import FILE as DATABASE
from ringpool.cli.session import open_session
from ringpool.privacy import search
from tests.ringpool.cli.conftest import Run

FILE = """
accounts: [{id: acme, store_callers: true}]
pools:
  - {id: p, account: acme, type: visitor, allow_overflow: false, numbers: ["+18885550101"]}
"""
NUMBER, CALLER, VISITOR = "+18885550101", "+12125550177", "v-7f3a"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing moves in these tests."""
    monkeypatch.setattr(search, "SETTLE_SECONDS", 0.0)
    monkeypatch.setitem(search.Search.__init__.__kwdefaults__, "settle_seconds", 0.0)


def _come_and_call(run: Run) -> None:
    assert run("apply", "-", stdin=FILE).exit_code == 0

    async def come() -> None:
        async with open_session() as session:
            asks = [Ask(f"visitor={VISITOR}", b'{"gclid":"g-1"}')]
            await session.allocator.allocate("p", asks)

    asyncio.run(come())
    assert run("call", "report", "c1", NUMBER, "--caller", CALLER).exit_code == 0


def test_a_visitor_is_shown_and_forgotten(run: Run) -> None:
    """As JSON with all of it, and in words; unknown afterwards, which is no failure."""
    _come_and_call(run)
    known = json.loads(run("person", "--visitor", VISITOR, "--json").stdout)
    assert known["visitor"] == VISITOR
    (held,) = [each for each in known["traces"] if each["where"] == "pool p: tuples"]
    assert held["place"] == "store"
    assert held["what"]["number"] == NUMBER
    assert held["what"]["tuple"] == {"visitor": VISITOR}
    assert held["what"]["first_click"] == {"gclid": "g-1"}
    assert "pool p: tuples" in run("person", "--visitor", VISITOR).stdout
    # By a click id, too.
    assert "pool p: clicks" in run("person", "--visitor", "g-1").stdout
    told = run("forget", "--visitor", VISITOR, "--json")
    assert told.exit_code == 0
    forgotten = json.loads(told.stdout)
    assert {"place": "store", "where": "pool p: tuples", "count": 1} in forgotten["removed"]
    assert (forgotten["left"], forgotten["looked_at_every_key"]) == ([], True)
    assert forgotten["store_files_rewritten"] is False
    again = run("forget", "--visitor", VISITOR)
    assert again.exit_code == 0
    assert "nothing was known" in again.stdout
    assert "nothing is left" in again.stdout
    assert run("person", "--visitor", VISITOR).stdout.strip() == "nothing is known"


def test_a_caller_is_shown_and_forgotten(run: Run, tmp_path: Path) -> None:
    """However the number is written; it isn't in the archive's files any more."""
    _come_and_call(run)
    known = json.loads(run("person", "--caller", "+1 212-555-0177", "--json").stdout)
    assert {each["where"] for each in known["traces"]} == {"calls", "call_events"}
    assert {each["what"].get("caller", CALLER) for each in known["traces"]} == {CALLER}
    told = run("forget", "--caller", CALLER)
    assert (told.exit_code, "nothing is left" in told.stdout) == (0, True)
    assert "BGREWRITEAOF" in told.stdout
    files = [path.read_bytes() for path in (tmp_path / "data").glob(f"{DATABASE}*")]
    assert files
    assert not any(CALLER.encode() in each for each in files)
    assert json.loads(run("person", "--caller", CALLER, "--json").stdout)["traces"] == []
    assert "c1" in run("call", "list").stdout


def test_what_only_looks_like_theirs_is_told(run: Run) -> None:
    """It is left, and the exit status says so."""
    _come_and_call(run)
    told = run("call", "report", "c2", NUMBER, "--event", "outcome", "--outcome", f"asked {CALLER}")
    assert told.exit_code == 0
    forgotten = run("forget", "--caller", CALLER, "--json")
    assert forgotten.exit_code == 1
    left = json.loads(forgotten.stdout)["left"]
    assert {each["where"] for each in left} == {"call_events", "calls"}
    assert "outcome" in json.dumps(left)
    assert "named" in run("forget", "--caller", CALLER).stdout


@pytest.mark.parametrize("command", ["person", "forget"])
def test_bad_input_is_named(run: Run, command: str) -> None:
    """One of two options, with something in it."""
    assert run(command).exit_code == 2
    assert run(command, "--caller", CALLER, "--visitor", "x").exit_code == 2
    assert "caller: " in run(command, "--caller", "12").stderr
    assert "visitor: " in run(command, "--visitor", "a\nb").stderr


def test_an_archive_that_is_away_is_no_proof(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit status isn't that of something left, or of nothing."""
    monkeypatch.setenv("RINGPOOL_DATABASE_URL", "postgresql://u:secret@127.0.0.1:1/x")
    told = run("forget", "--visitor", VISITOR)
    assert told.exit_code == 2
    assert "the archive" in told.stderr
    assert "secret" not in told.stderr
