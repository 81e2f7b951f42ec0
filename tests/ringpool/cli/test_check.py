"""`ringpool check` at a store in use: what contradicts a pool's records, found and mended."""

from __future__ import annotations

import json

from tests.ringpool.cli.conftest import Run
from tests.ringpool.config.test_config_file import COMPLETE
from tests.servers import stores


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


def test_a_pool_that_the_store_has_lost_is_told(run: Run, emptied_server: stores.Server) -> None:
    """Nothing is there to mend it from: it stays a failure."""
    assert run("apply", "-", stdin=COMPLETE).exit_code == 0
    emptied_server.command("DEL", "rp:{ad-placement}:meta")
    told = run("check", "--repair")
    assert told.exit_code == 1
    assert "fail  pool ad-placement: the configuration names it" in told.stdout


def test_files_are_repaired_of_an_embedded_store_alone(run: Run) -> None:
    assert run("check", "--repair-aof").exit_code == 2
