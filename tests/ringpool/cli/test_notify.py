"""``ringpool notify test``, and what commands show of those who are told."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest

from tests.ringpool.cli.conftest import Run
from tests.ringpool.notifications.receivers import Receiver, receiver

SECRET = "a-secret-0123456789"
FILE = """
accounts:
  - id: acme
    notify: [{{email: ops@example.com}}]
pools:
  - id: ads
    account: acme
    parameters: [website]
    allow_overflow: false
    on_exhausted: {{webhook: "{url}&plain"}}
    notify:
      - {{webhook: "{url}", secret: {secret}, events: [grown]}}
"""


@pytest.fixture
def hook() -> Iterator[Receiver]:
    """A receiver on a thread: commands have an event loop of their own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    serving = receiver()
    yield asyncio.run_coroutine_threadsafe(serving.__aenter__(), loop).result()
    asyncio.run_coroutine_threadsafe(serving.__aexit__(None, None, None), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_a_test(run: Run, hook: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """All who are told of a pool, whatever of; it fails while one can't be told."""
    assert run("apply", "-", stdin=FILE.format(url=hook.url, secret=SECRET)).exit_code == 0
    refused = run("notify", "test", "ads")
    assert refused.exit_code == 1
    assert refused.stdout.count("its address isn't public (RINGPOOL_WEBHOOK_NETWORKS)") == 2
    assert refused.stdout.count("RINGPOOL_SMTP_URL isn't set") == 1
    monkeypatch.setenv("RINGPOOL_WEBHOOK_NETWORKS", "127.0.0.1")
    result = run("notify", "test", "pool/ads", "--json")
    told = json.loads(result.stdout)
    assert {(each["kind"], each["to"], each["sent"]) for each in told} == {
        ("webhook", "127.0.0.1", True),
        ("email", "ops@example.com", False),
    }
    assert len(hook.posted) == 2
    assert {posted.json["event"] for posted in hook.posted} == {"test"}
    assert sum("ringpool-signature" in posted.headers for posted in hook.posted) == 1
    assert "a-secret" not in result.output + refused.output
    assert "there is no pool or account nowhere" in run("notify", "test", "nowhere").output


def test_secrets_are_shown_by_export_alone(run: Run) -> None:
    """The operator's own file has them; a file without one keeps it."""
    text = FILE.format(url="https://ops.example/hook", secret=SECRET)
    shown = run("apply", "-", stdin=text).stdout
    assert SECRET in run("export").stdout
    without = text.replace(f"secret: {SECRET}, ", "")
    shown += run("apply", "-", stdin=without).stdout
    assert "nothing to change" in shown
    changed = without.replace("[grown]", "[exhausted]")
    shown += run("apply", "-", stdin=changed).stdout
    assert SECRET in run("export").stdout
    shown += run("pool", "show", "ads").stdout + run("pool", "show", "ads", "--json").stdout
    shown += run("log", "--json").stdout + run("log", "show", "1").stdout
    assert "ops.example" in shown
    assert SECRET not in shown
    other = text.replace("ops.example", "other.example").replace(f"secret: {SECRET}, ", "")
    refused = run("apply", "-", stdin=other)
    assert "pools[0].notify[0].secret: needed" in refused.output
    assert "warn  e-mail: nobody sends any" in run("doctor").stdout
