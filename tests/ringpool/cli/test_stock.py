"""``ringpool stock list`` and ``show``."""

from __future__ import annotations

import json

from tests.ringpool.cli.conftest import Run

FILE = """
accounts: [{id: acme}]
stocks:
  - {id: us, account: acme, numbers: ["+18885550123", "+18885550124", "+12125550101"]}
  - {id: empty, account: acme, quarantine: 7d}
pools:
  - {id: p, account: acme, parameters: [w], allow_overflow: false, stock: {id: us, type: %s}}
"""


def test_where_a_stocks_numbers_are(run: Run) -> None:
    """By kind and state; what isn't listed is counted; a kind that it lacks is told."""
    assert run("apply", "-", stdin=FILE % "toll_free").exit_code == 0
    listed = json.loads(run("stock", "list", "--json").stdout)
    sizes = {row["id"]: (row["size"], row["available"], row["quarantine"]) for row in listed}
    assert sizes == {"us": (3, 3, "30d"), "empty": (0, 0, "1w")}
    assert "us" in run("stock", "list", "--account", "acme").stdout
    shown = json.loads(run("stock", "show", "us", "--json", "--limit", "2").stdout)
    assert {kind["kind"]: kind["available"] for kind in shown["kinds"]} == {
        "US local": 1,
        "US toll_free": 2,
    }
    assert (len(shown["numbers"]), shown["more"]) == (2, 1)
    text = run("stock", "show", "us", "--limit", "1").stdout
    assert "US toll_free" in text
    assert "… and 2 more: --limit" in text
    lent = run("stock", "show", "us", "--state", "lent")
    assert (lent.exit_code, "+1" in lent.stdout) == (0, False)
    unknown = run("stock", "show", "nobodys")
    assert (unknown.exit_code, "there is no stock nobodys" in unknown.stderr) == (1, True)
    assert "no number of the kind" not in run("doctor").stdout
    assert run("apply", "-", stdin=FILE % "voip").exit_code == 0
    warned = "their stock has no number of the kind that they ask for: p (stock us)"
    assert warned in run("doctor").stdout
