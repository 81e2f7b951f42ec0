"""``ringpool log`` and ``undo``, as their users type them."""

from __future__ import annotations

import json
import os
import platform
import pwd
from typing import Any

import pytest
import yaml

from tests.ringpool.cli.conftest import Run

POOL: dict[str, Any] = {
    "id": "ads",
    "account": "acme",
    "key": "a-key-of-16-or-more",
    "parameters": ["website"],
    "numbers": ["+18885550157", "+18885550158"],
    "allow_overflow": False,
}


def apply(run: Run, **fields: Any) -> None:
    """Make the pool, or change these fields of it."""
    document = {"accounts": [{"id": "acme"}], "pools": [POOL | fields]}
    done = run("apply", "-", stdin=yaml.safe_dump(document))
    assert done.exit_code == 0, done.output


@pytest.fixture
def changed(run: Run) -> Run:
    """A pool was made, and then changed."""
    apply(run)
    apply(run, name="New", numbers=["+18885550158"], key="b-key-of-16-or-more")
    return run


def test_the_log_tells_who_did_what(changed: Run) -> None:
    """The newest change first: when, the system's user, the host, and in a word what."""
    latest, first = changed("log").stdout.splitlines()[1:]
    assert latest.split()[0] == "2"
    assert latest.rstrip().endswith("~ pool ads: name, key, -1 number")
    assert first.rstrip().endswith("+ account acme; + pool ads: +2 numbers")
    user, host = pwd.getpwuid(os.getuid()).pw_name, platform.node()
    (only,) = json.loads(changed("log", "--limit", "1", "--json").stdout)
    assert only["revision"] == 2
    assert only["by"] == {
        "kind": "command",
        "user": user,
        "address": host,
        "via": "ringpool apply",
    }
    for options, revisions in (
        (["--entity", "account/acme"], [1]),
        (["--account", "acme", "--by", user], [2, 1]),
        (["--since", only["at"], "--entity", "pool/ads"], [2]),
        (["--since", "2099-01-01"], []),
        (["--by", "administrator"], []),
    ):
        found = json.loads(changed("log", "--json", *options).stdout)
        assert [each["revision"] for each in found][: len(revisions)] == revisions, options
    refused = changed("log", "--entity", "ads")
    assert refused.exit_code == 2
    assert "expected account/ID, pool/ID or stock/ID" in refused.stderr


def test_one_change_is_shown_with_every_field(changed: Run) -> None:
    """As ``apply`` shows it; secrets are masked."""
    shown = changed("log", "show", "2")
    assert shown.stdout.endswith(
        "~ pool ads\n"
        "    name: (default) -> New\n"
        "    key: (secret) -> (secret)\n"
        "    - 1 number: +18885550157\n"
    )
    assert "ringpool apply" in shown.stdout
    assert json.loads(changed("log", "show", "2", "--json").stdout)["revision"] == 2
    unknown = changed("log", "show", "3")
    assert unknown.exit_code == 1
    assert unknown.stderr == "Error: revision: the log has no change 3\n"


def test_a_long_change_is_shown_in_whole(run: Run) -> None:
    """More numbers than a line of the log has, and a longer name."""
    numbers = [f"+1888555{place:04}" for place in range(150)]
    apply(run, numbers=numbers, landing_url=f"https://acme.example/{'x' * 600}")
    shown = run("log", "show", "1").stdout
    assert f"/{'x' * 600}\n" in shown
    assert shown.endswith(f"    + 150 numbers: {', '.join(numbers)}\n")


def test_a_change_is_undone(changed: Run) -> None:
    """A dry run tells what it would do; what isn't brought back is named."""
    dry = changed("undo", "2", "--dry-run")
    assert dry.stdout.endswith("    + 1 number: +18885550157\ndry run: nothing was changed\n")
    done = changed("undo", "2")
    assert done.stdout.endswith("undone, by change 3\n")
    assert done.stderr == "pool/ads.key stays as it is: the log doesn't keep secrets\n"
    (pool,) = yaml.safe_load(changed("export").stdout)["pools"]
    assert "name" not in pool
    assert pool["numbers"] == ["+18885550158", "+18885550157"]
    assert "undoes 2: ~ pool ads" in changed("log", "--limit", "1").stdout
    assert "undoes    2" in changed("log", "show", "3").stdout
    again = changed("undo", "2")
    assert again.exit_code == 1
    assert again.stderr.splitlines() == [
        "pool/ads.numbers: since then added: +18885550157",
        "pool/ads.name: was changed since",
    ]
    redone = json.loads(changed("undo", "3", "--json").stdout)
    assert (redone["undoes"], redone["revision"], redone["left"]) == (3, 4, [])
