"""``ringpool call``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.ringpool.archive.told import event, tell_in
from tests.ringpool.cli.conftest import Run

FILE = """
accounts: [{id: acme}]
pools:
  - {id: p, account: acme, parameters: [w], allow_overflow: false, numbers: ["+18885550101"]}
"""


def test_calls_are_told_and_found(run: Run, tmp_path: Path) -> None:
    """A call counts once; what is wrong is named; what the archive has is listed and shown."""
    assert run("apply", "-", stdin=FILE).exit_code == 0
    told = [json.loads(run("call", "report", "c1", "+18885550101", "--json").stdout) for _ in "12"]
    assert [(each["counted"], each["recorded"]) for each in told] == [(True, True), (False, False)]
    assert "acme" in run("call", "report", "c2", "+18885550101", "--event", "missed").stdout
    wrong = run("call", "report", "c3", "+18885550199")
    assert (wrong.exit_code, "NUMBER: +18885550199 is in no pool" in wrong.stderr) == (1, True)
    amount = run("call", "report", "c3", "+18885550101", "--event", "outcome", "--amount", "a lot")
    assert "amount: expected a decimal" in amount.stderr
    dollars = run("call", "report", "", "+18885550101", "--currency", "usd")
    assert [line.split(":")[0] for line in dollars.stderr.splitlines()] == ["id", "currency"]
    assert run("call", "list", "--json").stdout.strip() == "[]"

    sold = {"sku_list": ("hat",), "quantity_list": (2,), "amount": "49.90"}
    events = [event("1", "started"), event("1", "ended", 60, **sold), event("2", "missed", 100)]
    asyncio.run(tell_in(tmp_path / "data", *events))
    listed = json.loads(run("call", "list", "--json").stdout)
    assert [each["id"] for each in listed] == ["2", "1"]
    missed = json.loads(run("call", "list", "--state", "missed", "--json").stdout)
    assert [each["id"] for each in missed] == ["2"]
    assert "… and more" in run("call", "list", "--limit", "1").stdout
    assert json.loads(run("call", "list", "--param", "w=x", "--json").stdout) == []
    assert "NAME=VALUE" in run("call", "list", "--param", "w").stderr
    shown = json.loads(run("call", "show", "1", "--json").stdout)
    assert [each["event"] for each in shown["events"]] == ["started", "ended"]
    text = run("call", "show", "1").stdout
    assert all(word in text for word in ("2 x hat", "49.90", "duration seconds", "received"))
    assert "there is no call '9'" in run("call", "show", "9").stderr
