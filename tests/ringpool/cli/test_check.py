"""`ringpool check` as a command: what it prints, its exit status, its options."""

from __future__ import annotations

import json

import pytest

from ringpool.cli import check
from tests.ringpool.cli.conftest import Run
from tests.ringpool.config.test_config_file import COMPLETE
from tests.servers import stores
from tests.servers.process import free_port


def test_a_broken_pool_is_found_mended_and_sound(run: Run, emptied_server: stores.Server) -> None:
    """The exit code is 1 until it is repaired, and programs get the same findings."""
    assert run("apply", "-", stdin=COMPLETE).exit_code == 0
    sound = run("check")
    assert (sound.exit_code, sound.stdout.split(":")[0]) == (0, "ok    pools")
    emptied_server.command("DEL", "rp:{ad-placement}:free")
    found = run("check")
    assert found.exit_code == 1
    line = "pool ad-placement: +18888695345: it is in no order"
    assert f"fail  {line}" in found.stdout.splitlines()
    told = run("check", "--json")
    assert told.exit_code == 1
    assert {finding["level"] for finding in json.loads(told.stdout)} == {"fail"}
    mended = run("check", "--repair")
    assert mended.exit_code == 0
    assert f"warn  {line} (repaired)" in mended.stdout.splitlines()
    assert run("check").stdout == sound.stdout


def test_a_broken_stock_is_found_and_mended(run: Run, emptied_server: stores.Server) -> None:
    assert run("apply", "-", stdin=COMPLETE).exit_code == 0
    emptied_server.command("ZADD", "rp:{stock:us-toll-free}:available", "0", "+19")
    line = 'stock us-toll-free: +19: it is in "available" against its record'
    found = run("check")
    assert (found.exit_code, found.stdout) == (1, f"fail  {line}\n")
    assert run("check", "--repair").stdout == f"warn  {line} (repaired)\n"
    assert run("check").exit_code == 0


def test_a_pool_that_the_store_has_lost_is_made_again(
    run: Run, emptied_server: stores.Server
) -> None:
    """By the rules of the configuration."""
    assert run("apply", "-", stdin=COMPLETE).exit_code == 0
    emptied_server.command("DEL", "rp:{ad-placement}:meta")
    told = run("check")
    assert told.exit_code == 1
    assert "fail  pool ad-placement: the configuration names it" in told.stdout
    assert run("check", "--repair").exit_code == 0
    assert run("check").exit_code == 0


def test_parts_are_audited_alone(run: Run, emptied_server: stores.Server) -> None:
    """What is wrong elsewhere isn't told then, and a name that there isn't is refused."""
    assert run("apply", "-", stdin=COMPLETE).exit_code == 0
    emptied_server.command("DEL", "rp:{ad-placement}:free")
    assert run("check", "--stock", "us-toll-free").exit_code == 0
    assert run("check", "--pool", "ad-placement").exit_code == 1
    refused = run("check", "--pool", "x")
    assert (refused.exit_code, "there is no pool x" in refused.stderr) == (2, True)


def test_a_store_that_does_not_answer_is_status_2(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is known of it then, neither good nor bad."""
    monkeypatch.setenv("RINGPOOL_REDIS_URL", f"redis://127.0.0.1:{free_port()}")
    told = run("check")
    assert (told.exit_code, told.stdout) == (2, "")
    assert told.stderr.startswith("Error: the store: ")


def test_a_long_audit_says_how_far_it_is(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """On stderr, so that programs read nothing but the findings."""
    assert run("apply", "-", stdin=COMPLETE).exit_code == 0
    monkeypatch.setattr(check, "_TELL_EVERY_SECONDS", 0)
    told = run("check", "--json")
    assert "pool ad-placement, 1 of 1; 2 entries so far" in told.stderr
    assert [finding["level"] for finding in json.loads(told.stdout)] == ["ok", "ok"]


def test_without_scan_keys_are_not_looked_for(
    run: Run, emptied_server: stores.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service's user of the hardening guide is enough for the rest, and the check says so."""
    assert run("apply", "-", stdin=COMPLETE).exit_code == 0
    emptied_server.command("ACL", "SETUSER", "some", "on", ">word", "~rp:*", "+@all", "-scan")
    url = emptied_server.url.replace("//", "//some:word@")
    monkeypatch.setenv("RINGPOOL_REDIS_URL", url)
    told = run("check")
    emptied_server.command("ACL", "DELUSER", "some")
    assert (told.exit_code, told.stdout) == (
        0,
        "warn  keys: not looked for any that belong to nothing: the store's user may not SCAN\n",
    )


def test_files_are_repaired_of_an_embedded_store_alone(run: Run) -> None:
    assert run("check", "--repair-aof").exit_code == 2
