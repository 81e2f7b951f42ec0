"""Reports on the command line."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from ringpool.archive.database import Archive, archive_url
from tests.ringpool.cli.conftest import Run
from tests.ringpool.reports.archived import Archived


async def fill(folder: Path) -> None:
    """Two campaigns, and a call that isn't attributed yet."""
    folder.mkdir(exist_ok=True)
    archive = Archive(archive_url("", folder))
    await archive.prepare()
    archived = Archived(archive)
    await archived.source(1, "keyword=solar roof", utm_source="google", utm_campaign="spring")
    await archived.source(2, "keyword=heat pump", utm_source="bing", utm_campaign="=autumn")
    await archived.assignment(1, "2026-10-25T00:20:00Z", clicks=40)
    await archived.assignment(2, "2026-10-25T00:20:00Z", clicks=25)
    await archived.overflow(2, "2026-10-25T00:25:00Z")
    await archived.call("call-1", "2026-10-25T00:30:00Z", {1: 0.94, 0: 0.06}, answered_at=1)
    await archived.call("call-2", "2026-10-25T01:30:00Z", {1: 0.6, 2: 0.37, 0: 0.03})
    await archived.call("call-3", "2026-10-26T09:00:00Z")
    await archive.close()


def test_which_campaign_made_the_phone_ring(run: Run, tmp_path: Path) -> None:
    """One command; as a table, JSON or CSV, by the hour, and each call."""
    asyncio.run(fill(tmp_path / "data"))
    shown = run("report", "campaign")
    assert shown.exit_code == 0, shown.output
    assert "spring" in shown.stdout.splitlines()[1]
    assert "Total: 66 clicks, 1.5% without a number; 3 calls, 1 answered" in shown.stdout
    found = json.loads(run("report", "campaign", "--json").stdout)
    assert (found["rows"][0]["calls"], found["rows"][0]["who"]) == (2, "")
    table = run("report", "campaign", "--csv", "--limit", "5").stdout.splitlines()
    assert table[0].startswith("utm_source,utm_medium,utm_campaign,who,clicks")
    assert any("'=autumn" in line for line in table)
    keywords = run("report", "parameter", "--name", "keyword").stdout
    assert "heat pump" in keywords
    week = run("report", "hour", "--timezone", "Europe/Berlin").stdout.splitlines()
    assert week[3].split() == ["02:00", "0", "0", "0", "0", "0", "0", "2"]
    calls = run("report", "transactions", "--limit", "2", "--timezone", "Europe/Berlin").stdout
    assert "2026-10-25T02:30:00+01:00" in calls
    assert "--start-after-transaction-id call-2" in calls
    wrong = run("report", "campaign", "--from", "yesterday")
    assert (wrong.exit_code, wrong.stdout) == (1, "")
    assert "from: expected a day or a time" in wrong.stderr
    assert "not both" in run("report", "campaign", "--csv", "--json").stderr
