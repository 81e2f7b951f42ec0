"""``ringpool key``, ``pool key`` and ``signing-key``, as their users type them."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from ringpool.security.keyring import SIGNING_KEY_FILE
from ringpool.security.signing import Signer, SigningKeys
from tests.ringpool.cli.conftest import Run
from tests.ringpool.config.test_config_file import COMPLETE

ACCOUNT, POOL = "media-buyer-7", "ad-placement"


@pytest.fixture
def configured(run: Run) -> Run:
    """The same, with the complete example configured."""
    assert run("apply", "-", stdin=COMPLETE).exit_code == 0
    return run


def test_a_key_is_made_listed_rotated_and_revoked(configured: Run) -> None:
    """Only making and rotating print a key; a script gets it alone on stdout."""
    made = configured("key", "create", ACCOUNT, "ci", "--scope", "read", "--scope", "calls")
    key = made.stdout.strip()
    assert key.startswith("rp_")
    assert "Shown this once" in made.stderr
    again = configured("key", "create", ACCOUNT, "ci", "--scope", "read")
    assert (again.exit_code, again.stderr) == (
        1,
        f"Error: account {ACCOUNT} has a key ci already\n",
    )
    listed = configured("key", "list", ACCOUNT)
    assert "read, calls" in listed.stdout
    rotated = json.loads(configured("key", "rotate", ACCOUNT, "ci", "--json").stdout)
    assert rotated["key"] != key
    assert rotated["former"]["until"]
    third = configured("key", "rotate", ACCOUNT, "ci", "--overlap", "1h")
    assert "the one before key ci still works" in third.stderr
    (shown,) = json.loads(configured("key", "list", ACCOUNT, "--json").stdout)
    assert shown == {name: value for name, value in rotated.items() if name != "key"}
    exported = configured("export").stdout
    assert configured("apply", "-", stdin=exported).stdout == "nothing to change\n"
    for text in (key, rotated["key"]):
        assert text not in f"{listed.output}{shown}{exported}"
    assert configured("key", "revoke", ACCOUNT, "ci").exit_code == 0
    assert json.loads(configured("key", "list", ACCOUNT, "--json").stdout) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["create", "nobody", "ci", "--scope", "read"], "there is no account 'nobody'"),
        (["create", ACCOUNT, "A b", "--scope", "read"], "name: expected an id"),
        (["create", ACCOUNT, "a", "--scope", "all"], "'all' is not one of"),
        (["create", ACCOUNT, "a"], "Missing option '--scope'"),
        (["create", ACCOUNT, "a", "--scope", "read", "--expires-in", "soon"], "not a duration"),
        (["create", ACCOUNT, "a", "--scope", "read", "--expires", "2020-01-01"], "expires: is pa"),
        (["list", "nobody"], "there is no account nobody"),
        (["rotate", ACCOUNT, "no"], f"account {ACCOUNT} has no key 'no'"),
        (["rotate", ACCOUNT, "no", "--overlap", "2y"], "overlap: 2y is outside 0s to 1y"),
        (["revoke", ACCOUNT, "no"], f"account {ACCOUNT} has no key 'no'"),
    ],
)
def test_what_is_wrong_is_one_line(configured: Run, words: list[str], message: str) -> None:
    """It names the field, on stderr."""
    done = configured("key", *words)
    assert done.exit_code in (1, 2)
    assert message in done.stderr


def test_a_pools_key_is_replaced(configured: Run) -> None:
    """Both are shown with the pool while both work."""
    had = json.loads(configured("pool", "show", POOL, "--json").stdout)["key"]
    new = configured("pool", "key", "rotate", POOL).stdout.strip()
    shown = json.loads(configured("pool", "show", POOL, "--json").stdout)
    assert (shown["key"], shown["former_key"]["key"]) == (new, had)
    assert "the one before" in configured("pool", "key", "rotate", POOL).stderr
    at_once = json.loads(
        configured("pool", "key", "rotate", POOL, "--overlap", "0s", "--json").stdout
    )
    assert "former_key" not in at_once
    assert "former_key" not in configured("pool", "show", POOL, "--json").stdout
    assert "there is no pool 'no'" in configured("pool", "key", "rotate", "no").stderr


def test_the_signing_key_is_replaced_and_the_former_one_retired(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the former one signed holds until it is retired; the file stays its owner's alone."""
    (before,) = json.loads(run("signing-key", "show", "--json").stdout)
    path = tmp_path / "data" / SIGNING_KEY_FILE
    signed = SigningKeys.from_text(path.read_text()).sign("+18888695345", "p", 1)
    rotated = run("signing-key", "rotate")
    assert "needs no restart" in rotated.stderr
    now, former = json.loads(run("signing-key", "show", "--json").stdout)
    assert (former["kid"], former["signs"], now["signs"]) == (before["kid"], False, True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    keys = SigningKeys.from_text(path.read_text())
    assert keys.verify("+18888695345", "p", 1, signed)
    assert "retire it first" in run("signing-key", "rotate").stderr
    assert run("signing-key", "retire").exit_code == 0
    assert not SigningKeys.from_text(path.read_text()).verify("+18888695345", "p", 1, signed)
    assert "there is no former one" in run("signing-key", "retire").stderr
    monkeypatch.setenv("RINGPOOL_SIGNING_KEY", Signer.generate().pem())
    assert "RINGPOOL_SIGNING_KEY: it is set" in run("signing-key", "rotate").stderr
