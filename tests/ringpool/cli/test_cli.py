"""The ``ringpool`` command, as its users type it."""

from __future__ import annotations

import asyncio
import json
import re
import stat
import time
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result

from allocator.allocator import Allocator
from allocator.answers import UNKNOWN_NETWORK, Ask
from allocator.embedded import EmbeddedServer
from allocator.redis.url import connect
from ringpool import __version__
from ringpool.cli import main
from ringpool.settings import documented
from ringpool.times import format_rfc3339
from tests.conftest import PATIENT_MS
from tests.ringpool.cli.conftest import Run
from tests.ringpool.config.test_config_file import COMPLETE
from tests.servers import stores
from tests.servers.process import free_port


@pytest.fixture
def configured(run: Run) -> Run:
    """The same, with the complete example configured."""
    assert run("apply", "-", stdin=COMPLETE).exit_code == 0
    return run


def as_json(result: Result) -> Any:
    """Return what a command wrote with --json."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_apply_tells_what_it_does(run: Run, tmp_path: Path) -> None:
    """A dry run shows the difference, apply makes it, and the second time there is none."""
    file = tmp_path / "ringpool.yaml"
    file.write_text(COMPLETE)
    dry = run("apply", "--dry-run", str(file))
    assert "+ pool ad-placement" in dry.stdout
    assert dry.stdout.endswith("dry run: nothing was changed\n")
    assert run("export").stdout == ""
    assert "    + 2 numbers: +18888695345, +18001238888" in run("apply", str(file)).stdout
    assert run("apply", str(file)).stdout == "nothing to change\n"
    file.write_text(COMPLETE.replace("10m", "20m"))
    assert run("apply", str(file)).stdout == (
        "~ pool ad-placement\n    min_duration: (default) -> 20m\n"
    )


def test_apply_makes_what_a_dry_run_showed_or_nothing(run: Run, tmp_path: Path) -> None:
    """A dry run tells the revision; when another change was faster, that one is refused."""
    file = tmp_path / "ringpool.yaml"
    file.write_text(COMPLETE)
    assert run("apply", "--dry-run", str(file)).stderr.startswith("revision 0: ")
    assert run("apply", "--revision", "0", str(file)).exit_code == 0
    changed = tmp_path / "changed.yaml"
    changed.write_text(COMPLETE.replace("10m", "20m"))
    for dry in ([], ["--dry-run"]):
        late = run("apply", *dry, "--revision", "0", str(changed))
        assert late.exit_code == 1
        assert "revision: it is 1 by now, not 0: another change was faster" in late.stderr
    assert "min_duration" not in run("export").stdout
    assert run("apply", "--revision", "1", str(changed)).exit_code == 0


def test_export_is_the_same_file_back(configured: Run) -> None:
    """What is exported applies without a difference."""
    exported = configured("export")
    assert "min_duration" not in exported.stdout
    assert as_json(configured("apply", "-", "--json", stdin=exported.stdout)) == []
    assert as_json(configured("export", "--json"))["pools"][0]["id"] == "ad-placement"


def test_a_file_without_numbers_drains_none(configured: Run) -> None:
    """They aren't in the difference; export has them, as an empty list when there are none."""
    silent = COMPLETE.replace("10m", "20m").replace(
        '    numbers: ["+18888695345", "+18001238888"]\n', ""
    )
    printed = "~ pool ad-placement\n    min_duration: (default) -> 20m\n"
    dry = configured("apply", "--dry-run", "-", stdin=silent).stdout
    assert dry == f"{printed}dry run: nothing was changed\n"
    assert configured("apply", "-", stdin=silent).stdout == printed
    assert "+18001238888" in configured("export").stdout
    pool_and_stock = silent.replace('    numbers: ["+18885550123"]\n', "    numbers: []\n").replace(
        "fill: on_demand", "numbers: []"
    )
    assert "    - 2 numbers: " in configured("apply", "-", stdin=pool_and_stock).stdout
    exported = configured("export").stdout
    assert exported.count("  numbers: []\n") == 2
    assert configured("apply", "-", stdin=exported).stdout == "nothing to change\n"
    assert configured("export").stdout == exported


def test_the_history_budget_is_a_pools(configured: Run) -> None:
    """A change of it is printed, exported and left out again at its default."""
    more = COMPLETE.replace("max_size: 250", "history_bytes: 8192\n    max_size: 250")
    printed = configured("apply", "-", stdin=more).stdout
    assert printed == "~ pool ad-placement\n    history_bytes: (default) -> 8192\n"
    assert "  history_bytes: 8192\n" in configured("export").stdout
    assert "8192" in configured("pool", "show", "ad-placement").stdout
    assert configured("apply", "-", stdin=COMPLETE).exit_code == 0
    assert "history_bytes" not in configured("export").stdout


def test_faults_are_lines_on_stderr(run: Run) -> None:
    """A faulty file is refused with every fault, exit 1, nothing on stdout and no traceback."""
    result = run(
        "apply", "-", stdin=COMPLETE.replace("10m", "0s").replace("us-toll-free\n", "x\n", 1)
    )
    assert result.exit_code == 1
    assert result.stdout == ""
    assert [line.partition(":")[0] for line in result.stderr.splitlines()] == [
        "pools[0].min_duration",
        "pools[0].stock",
    ]
    assert run("export").stdout == ""


def test_a_file_that_is_not_text_is_refused(run: Run, tmp_path: Path) -> None:
    """Bytes that aren't UTF-8 are named by their place; a missing file is a usage error."""
    (tmp_path / "file").write_bytes(b"pools:\xff")
    result = run("apply", str(tmp_path / "file"))
    assert (result.exit_code, result.stderr) == (1, "byte 7: the file isn't UTF-8\n")
    assert run("apply", str(tmp_path / "nowhere")).exit_code == 2


def test_a_file_may_name_what_another_made(configured: Run) -> None:
    """Accounts and stocks that are configured already needn't be repeated."""
    more = "pools: [{id: more, account: media-buyer-7, type: visitor, allow_overflow: false}]"
    assert "+ pool more" in configured("apply", "-", stdin=more).stdout


def test_pools_are_listed_shown_and_counted(configured: Run) -> None:
    """Tables for people and JSON for programs have the same content."""
    assert "ad-placement" in configured("pool", "list").stdout
    assert configured("pool", "list", "--account", "nobody").exit_code == 0
    (row,) = as_json(configured("pool", "list", "--json"))
    assert (row["id"], row["status"]["unassigned"]) == ("ad-placement", 2)
    shown = configured("pool", "show", "ad-placement").stdout
    assert "3f0c3f0c3f0c3f0c" in shown
    assert "+18888695345, +18001238888" in shown
    assert as_json(configured("pool", "show", "ad-placement", "--json"))["min_duration"] == "10m"
    assert "unassigned" in configured("pool", "status", "ad-placement").stdout
    assert re.search(r"clock +20\d\d-", configured("pool", "status", "ad-placement").stdout)
    assert "does it tell its sources apart" in configured("pool", "status", "ad-placement").stdout
    status = as_json(configured("pool", "status", "ad-placement", "--json"))
    assert (status["size"], status["attribution"]["calls"]) == (2, 0)


@pytest.mark.parametrize(
    "words",
    [("pool", "show"), ("pool", "status"), ("pool", "why"), ("link",), ("snippet",)],
    ids=" ".join,
)
def test_what_is_not_there_is_one_line(run: Run, words: tuple[str, ...]) -> None:
    """An unknown id is an error of one line that names it."""
    result = run(*words, "nowhere")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "nowhere" in result.stderr


def test_a_pool_says_why_it_refused(configured: Run, emptied_server: stores.Server) -> None:
    """In a sentence and a table; plainly when it refused nobody."""
    told = configured("pool", "why", "ad-placement")
    assert told.stdout == "Nothing was refused within the last 7 days.\n"

    async def click() -> None:
        store = await connect(emptied_server.url, timeout_ms=PATIENT_MS)
        asks = [Ask(f"website=w{n}", network="203.0.113.0/24") for n in range(5)]
        await Allocator(store).allocate("ad-placement", asks)
        await store.aclose()

    asyncio.run(click())  # two of its own, one of the stock's
    lines = configured("pool", "why", "ad-placement").stdout.splitlines()
    assert lines[0].startswith("All 3 held; the first is due ")
    assert "stock us-toll-free is empty; about 5 numbers would have served it." in lines[0]
    assert ("website=w3" in lines[-1], "203.0.113.0/24" in lines[-1]) == (True, True)
    report = as_json(configured("pool", "why", "ad-placement", "--json"))
    assert (report["needed"], report["refusals"][0]["more"]) == (
        {"numbers": 5, "sure": "about"},
        1,
    )


def test_a_number_is_shown(configured: Run) -> None:
    """However it is typed: whose it is, and who held it at a time."""
    shown = configured("number", "show", "+1 (888) 869-5345", "--at", "2026-11-21T14:32").stdout
    assert "pool ad-placement" in shown
    assert "held at 2026-11-21T14:32:00Z by" in shown
    at = ("--at", "2026-11-21T14:32:00+01:00")
    report = as_json(configured("number", "show", "+18001234444", "--json", *at))
    assert report["overflow_of"] == [{"pool": "ad-placement", "answers": 0}]
    assert report["at"] == "2026-11-21T13:32:00Z"
    assert configured("number", "show", "12").exit_code == 1
    assert configured("number", "show", "+18888695345", "--at", "noon").exit_code == 2


def test_a_call_is_routed(configured: Run) -> None:
    """Where it goes, however the number is typed; one that nobody knows is rejected."""
    shown = configured("route", "18888695345", "--caller", "12125550177").stdout
    assert configured("route", "+1 (888) 869-5345", "--caller", "+12125550177").stdout == shown
    assert "reserved" in shown
    assert "+18885551234" in shown
    report = as_json(configured("route", "+18001234444", "--json"))
    assert (report["state"], report["action"]) == ("overflow", "dial")
    unknown = configured("route", "+18005550142")
    assert (unknown.exit_code, "its calls are rejected" in unknown.output) == (1, True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("(888) 869-5345", "pool ad-placement"),  # the pool's own
        ("8001234444", "overflow number"),  # no pool owns it
    ],
)
def test_a_number_is_found_without_its_country(configured: Run, text: str, told: str) -> None:
    """As it is dialled at home, when only one number in use is so."""
    assert told in configured("number", "show", text).stdout


def test_a_number_that_nobody_uses_wants_its_country(configured: Run) -> None:
    """A text that fits many countries is none of them."""
    shown = configured("number", "show", "6465550120")
    assert shown.exit_code == 1
    assert "lacks its country calling code (+1…), and no number in use ends so" in shown.stderr


def test_a_number_names_its_publisher(configured: Run, emptied_server: stores.Server) -> None:
    """One that is held on a publisher's behalf is shown with the publisher."""

    async def click() -> str:
        store = await connect(emptied_server.url, timeout_ms=PATIENT_MS)
        ask = Ask("website=one&publisher=media-buyer-7", attributes=b'{"gclid":"EAIaIQ"}')
        (answer,) = await Allocator(store).allocate("ad-placement", [ask])
        await store.aclose()
        return answer.number

    number = asyncio.run(click())
    lines = configured("number", "show", number).stdout.splitlines()
    assert "on behalf of      account media-buyer-7" in map(str.strip, lines)
    holder = as_json(configured("number", "show", number, "--json"))["holder"]
    assert holder["tuple"] == {"website": "one", "publisher": "media-buyer-7"}
    assert holder["first_click"] == {"gclid": "EAIaIQ"}


def test_the_snippet_is_a_script_tag(configured: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plain tag loads the account's script; the pinned one carries a hash and the settings."""
    monkeypatch.setenv("RINGPOOL_PUBLIC_URL", "https://numbers.example")
    assert configured("snippet", "media-buyer-7").stdout == (
        '<script async src="https://numbers.example/dni.js?account=media-buyer-7" '
        'data-account="media-buyer-7"></script>\n'
    )
    attributes = as_json(configured("snippet", "media-buyer-7", "--pinned", "--json"))["attributes"]
    assert attributes["integrity"].startswith("sha384-")
    assert "+18005550100" in attributes["data-settings"]
    tag = configured("snippet", "media-buyer-7", "--pinned").stdout
    assert 'data-settings="{&quot;a&quot;:' in tag


def test_the_tracking_link_has_a_placeholder_a_parameter(configured: Run) -> None:
    """It is ready for a campaign's own macros."""
    assert configured("link", "ad-placement").stdout == (
        "http://127.0.0.1:8000/t/ad-placement?website={website}&location={location}&path={path}\n"
    )


def test_a_visit_is_explained(configured: Run) -> None:
    """Each target with its pool, the rules tried, the tuple and the state; nothing is taken."""
    (account,) = {pool["account"] for pool in as_json(run_list(configured))}
    visit = ("explain", "--url", "https://shop.example/?website=one&location=top&path=x")
    shown = configured(*visit)
    assert shown.exit_code == 0, shown.output
    assert "website=one&location=top" in shown.stdout
    assert "every visit" in shown.stdout
    explained = as_json(configured(*visit, "--account", account, "--agent", "iPhone", "--json"))
    assert explained["account"] == account
    assert explained["visit"]["device"] == "phone"
    assert {target["state"] for target in explained["targets"]} == {"new"}
    crawler = as_json(configured(*visit, "--agent", "Googlebot/2.1", "--json"))
    assert {target["reason"] for target in crawler["targets"]} == {"not_a_visitor"}
    for words, field in ((("--account", "nobody"), "account"), (("--country", "USA"), "country")):
        wrong = configured(*visit, *words)
        assert (wrong.exit_code, wrong.stderr.startswith(f"Error: {field}: ")) == (1, True)
    status = as_json(configured("pool", "status", "ad-placement", "--json"))
    assert status["new_total"] == 0


def test_areas_are_shown_exported_and_explained(configured: Run) -> None:
    """A pool's areas are its numbers' and its stock's; ``--area`` says where the visitor is."""
    assert "areas" not in configured("pool", "show", "ad-placement").stdout
    local = COMPLETE.replace("max_size: 250", "match: area\n    max_size: 250")
    local = local.replace('"+18888695345"', '"+12126660177"').replace(
        "+18885550123", "+12136660177"
    )
    applied = configured("apply", "-", stdin=local)
    assert applied.exit_code == 0, applied.output
    assert "match: (default) -> area" in applied.stdout
    shown = as_json(configured("pool", "show", "ad-placement", "--json"))
    assert (shown["match"], shown["areas"]) == ("area", ["+1212", "+1213"])
    assert "areas" not in configured("export").stdout
    visit = ("explain", "--url", "https://shop.example/?website=one", "--json")
    explained = as_json(configured(*visit, "--area", "646,212"))
    assert explained["visit"]["area"] == "646, 212"
    (target, *_) = explained["targets"]
    assert (target["number"], target["tuple"]["area"]) == ("+12126660177", "+1212")
    wrong = configured(*visit, "--area", "Manhattan")
    assert (wrong.exit_code, wrong.stderr.startswith("Error: area: ")) == (1, True)


def run_list(run: Run) -> Result:
    """The configured pools, for programs."""
    return run("pool", "list", "--json")


def test_the_doctor_finds_a_healthy_service(configured: Run) -> None:
    """Nothing fails, and each finding is a line."""
    result = configured("doctor")
    assert result.exit_code == 0
    assert "fail" not in result.stdout
    assert "ok    store version: Valkey" in result.stdout
    assert "ok    configuration: revision 1, nothing pending" in result.stdout


def test_the_doctor_finds_what_is_wrong(
    configured: Run,
    emptied_server: stores.Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Readable secrets, a lost pool, an unsafe memory policy and missing replicas are reported."""
    secret = tmp_path / "data" / "admin-token"
    secret.parent.mkdir()
    secret.write_text("x" * 16)
    secret.chmod(0o644)
    monkeypatch.setenv("RINGPOOL_WAIT_REPLICAS", "1")
    monkeypatch.setenv("RINGPOOL_TRUSTED_PROXIES", "*")
    emptied_server.command("DEL", "rp:{ad-placement}:meta")
    emptied_server.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru", "maxmemory", "1gb")
    try:
        result = configured("doctor", "--json")
    finally:
        emptied_server.command("CONFIG", "SET", "maxmemory-policy", "noeviction", "maxmemory", "0")
    assert result.exit_code == 1
    found = {(finding["level"], finding["subject"]) for finding in json.loads(result.stdout)}
    assert {
        ("warn", str(secret)),
        ("warn", "RINGPOOL_TRUSTED_PROXIES"),
        ("fail", "maxmemory-policy"),
        ("fail", "RINGPOOL_WAIT_REPLICAS"),
        ("fail", "pools"),
    } <= found


def test_the_doctor_tells_of_pools_in_the_future(
    configured: Run, emptied_server: stores.Server
) -> None:
    """After the store's clock was wrongly ahead, a pool stays ahead, and until when is reported."""
    later = time.time_ns() // 1_000_000 + 3_600_000

    async def click() -> None:
        store = await connect(emptied_server.url, timeout_ms=PATIENT_MS)
        await Allocator(store).allocate("ad-placement", [Ask("website=one")], now_ms=later)
        await store.aclose()

    assert "pool clocks" not in configured("doctor").stdout
    asyncio.run(click())
    result = configured("doctor")
    assert result.exit_code == 0
    (line,) = [line for line in result.stdout.splitlines() if "pool clocks" in line]
    assert line.startswith("warn  pool clocks: ahead of the store's")
    assert "guarantees last that much longer" in line
    assert line.endswith(f"ad-placement until {format_rfc3339(later)}")
    assert as_json(configured("pool", "status", "ad-placement", "--json"))["clock"] == later


def test_the_doctor_tells_of_visitors_without_budget(
    configured: Run, emptied_server: stores.Server
) -> None:
    """Guarantees were begun for visitors whose address is a proxy's that nobody named."""
    assert "budgets" not in configured("doctor").stdout

    async def ask() -> None:
        store = await connect(emptied_server.url, timeout_ms=PATIENT_MS)
        unknown = Ask("website=one", network=UNKNOWN_NETWORK)
        await Allocator(store).allocate("ad-placement", [unknown])
        await store.aclose()

    asyncio.run(ask())
    result = configured("doctor")
    assert result.exit_code == 0
    assert "warn  budgets: visitors come from private addresses" in result.stdout
    assert "RINGPOOL_TRUSTED_PROXIES): ad-placement" in result.stdout


def test_the_doctor_says_that_the_store_is_away(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unreachable store is a finding, not a crash; so is a wrong setting."""
    monkeypatch.setenv("RINGPOOL_REDIS_URL", f"redis://127.0.0.1:{free_port()}")
    result = run("doctor")
    assert result.exit_code == 1
    assert "fail  store: " in result.stdout
    monkeypatch.setenv("RINGPOOL_WORKERS", "many")
    assert "fail  settings: RINGPOOL_WORKERS: 'many'" in run("doctor").stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RINGPOOL_WORKERS", "none"),
        ("RINGPOOL_REDIS_URL", "redis+sentinel://host"),
        ("RINGPOOL_REDIS_URL", "redis://127.0.0.1:1"),
    ],
)
def test_a_wrong_setting_or_store_is_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Any command stops with one line on stderr and exit 1."""
    monkeypatch.setenv(name, value)
    result = run("pool", "list")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1


def test_commands_use_the_embedded_store(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without a URL a command opens the data directory's store, or the running service's."""
    monkeypatch.delenv("RINGPOOL_REDIS_URL")
    assert run("apply", "-", stdin=COMPLETE).exit_code == 0
    assert "ad-placement" in run("pool", "list").stdout
    with EmbeddedServer(tmp_path / "data"):
        assert "ad-placement" in run("pool", "list").stdout
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_every_command_has_help(run: Run) -> None:
    """Each describes itself and takes --json, except serve; none mentions an option it hasn't."""

    def commands(group: click.Group, *path: str) -> list[tuple[tuple[str, ...], click.Command]]:
        found: list[tuple[tuple[str, ...], click.Command]] = []
        for name, command in group.commands.items():
            if isinstance(command, click.Group):
                found += commands(command, *path, name)
            if not isinstance(command, click.Group) or command.invoke_without_command:
                found.append(((*path, name), command))
        return found

    everything = commands(main)
    assert {path for path, _ in everything} == {
        ("serve",),
        ("check",),
        ("backup",),
        ("restore",),
        ("reopen",),
        ("apply",),
        ("export",),
        ("notify", "test"),
        ("pool", "list"),
        ("pool", "show"),
        ("pool", "status"),
        ("pool", "why"),
        ("pool", "series"),
        ("pool", "key", "rotate"),
        ("stock", "list"),
        ("stock", "show"),
        ("key", "create"),
        ("key", "list"),
        ("key", "rotate"),
        ("key", "revoke"),
        ("signing-key", "show"),
        ("signing-key", "rotate"),
        ("signing-key", "retire"),
        ("number", "show"),
        ("explain",),
        ("size",),
        ("snippet",),
        ("link",),
        ("check-page",),
        ("doctor",),
        ("call", "list"),
        ("call", "report"),
        ("call", "show"),
        ("log",),
        ("log", "show"),
        ("forget",),
        ("person",),
        ("report",),
        ("route",),
        ("undo",),
    }
    for path, command in everything:
        assert command.help, path
        assert "--json" in run(*path, "--help").stdout or path == ("serve",)
    assert run("--version").stdout.endswith(f"{__version__}\n")


def test_serve_lists_every_setting(run: Run) -> None:
    """The help of serve is where operators find the environment variables."""
    text = run("serve", "--help").stdout
    for name, _, _ in documented():
        assert f"    {name}\n" in text
