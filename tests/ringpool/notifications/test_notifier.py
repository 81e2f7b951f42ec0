"""Who is told what, when: a real store, real receivers, time as the test lets it pass."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from allocator.allocator import Allocator
from allocator.answers import Ask, Swept
from allocator.stocks import Stocks, StockStatus
from allocator.transfers import Transfers
from ringpool.background.pool_look import PoolLook
from ringpool.background.sweeper import Sweeper
from ringpool.catalog.audit import Actor
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.snapshot import SnapshotKeeper
from ringpool.mail_server import MailServer
from ringpool.model import Account, Configuration, Event, Notify, OnExhausted, Pool, Stock
from ringpool.notifications.mail import MailClient
from ringpool.notifications.memory import NOTIFICATIONS
from ringpool.notifications.notifier import CALM_MS, GROWTH_MS, Notifier
from ringpool.notifications.sender import Sender
from ringpool.notifications.webhook import WebhookClient
from ringpool.store_check.orphan_check import check_orphans
from ringpool.times import Duration
from tests.ringpool.conftest import Bench
from tests.ringpool.notifications.receivers import Posted, Receiver, mail_server, receiver

SECRET = "a-secret-0123456789"
LEASE = "rp:{ringpool}:lease:sweeper"
GUIDE = Path(__file__).parents[3] / "docs" / "operating" / "notifications.md"
MINUTE = 60_000


def swept(exhausted: bool, last_overflow: int = 0) -> Swept:
    return Swept(0, [], int(exhausted), last_overflow, 0, 0, 0, 0, 0, 0)


class Process:
    """One process of the service, on the bench's store. ``now``: its time, Unix ms."""

    def __init__(self, bench: Bench, mail: MailClient | None = None) -> None:
        self.now = int(time.time() * 1000)
        self.bench = bench
        self.allocator, stocks = Allocator(bench.store), Stocks(bench.store)
        self.catalog = Catalog(bench.store, self.allocator, stocks)
        self.keeper = SnapshotKeeper(self.catalog)
        sender = Sender(WebhookClient(["127.0.0.1"]), mail)
        self.notifier = Notifier(bench.store, self.catalog.log, sender, clock_ms=lambda: self.now)
        self.sweeper = Sweeper(
            *(bench.store, self.allocator, stocks, self.catalog, self.keeper, self.notifier)
        )

    async def apply(self, *entities: Account | Pool | Stock, user: str = "op") -> None:
        by = self.catalog.by(Actor(kind="command", user=user))
        await by.apply(
            Configuration(
                accounts=tuple(each for each in entities if isinstance(each, Account)),
                pools=tuple(each for each in entities if isinstance(each, Pool)),
                stocks=tuple(each for each in entities if isinstance(each, Stock)),
            )
        )

    async def see(self, found: Swept | None = None, stock: StockStatus | None = None) -> None:
        """One round that sees pool ``p``, or stock ``s``, like this; all that is due is sent."""
        await self.keeper.refresh()
        assert await self.notifier.begin(self.keeper.current)
        if found is not None:
            pool = self.keeper.current.pools["p"]
            look = PoolLook(
                *(self.allocator, Transfers(self.bench.store), pool, found, self.sweeper._settled)
            )
            await self.notifier.observe_pool(pool, found, look)
        if stock is not None:
            await self.notifier.observe_stock(self.keeper.current.stocks["s"], stock)
        await self.notifier.send_due()
        await self.sent()

    async def round(self) -> None:
        """A round of the real sweeper; all that is due is sent."""
        await self.keeper.refresh()
        assert await self.sweeper.round()
        await self.sent()

    async def sent(self) -> None:
        await asyncio.gather(*self.notifier._outbox._sending.values())

    async def die(self) -> None:
        """As if killed: nothing is written any more, its lead runs out."""
        await self.notifier.aclose()
        self.bench.server.command("DEL", LEASE)


@pytest.fixture
async def processes(bench: Bench) -> AsyncIterator[list[Process]]:
    """Two of one service."""
    found = [Process(bench), Process(bench)]
    yield found
    for process in found:
        await process.notifier.aclose()


@pytest.fixture
async def hook() -> AsyncIterator[Receiver]:
    async with receiver() as found:
        yield found


def notify(hook: Receiver, *events: Event, cooldown: int = 10 * MINUTE) -> tuple[Notify, ...]:
    made = Notify(webhook=hook.url, secret=SECRET, events=events, cooldown=Duration(cooldown))
    return (made,)


def a_pool(**more: Any) -> Pool:
    facts: dict[str, Any] = {
        "id": "p",
        "account": "a",
        "name": "Ads",
        "parameters": ("website",),
        "overflow_number": "+18005550100",
        "numbers": ("+18885550101", "+18885550102"),
    }
    return Pool(**(facts | more))


def events(hook: Receiver) -> list[str]:
    """What was told, without what was told twice."""
    return [posted.json["event"] for posted in hook.posted]


async def test_a_state_and_its_end(processes: list[Process], hook: Receiver) -> None:
    """Each once an episode and once a cooldown; what the cooldown held back is told after it, if
    it is still so."""
    (process, _) = processes
    await process.apply(
        Account(id="a", notify=notify(hook, Event.EXHAUSTED, Event.RECOVERING)), a_pool()
    )
    began = process.now
    for _ in range(3):
        await process.see(swept(True))
        process.now += 1000
    assert events(hook) == ["exhausted"]
    told = hook.posted[0].json
    assert told.pop("id") == hook.posted[0].headers["ringpool-delivery"]
    assert told == {
        "event": "exhausted",
        "at": told["at"],
        "account": "a",
        "pool": "p",
        "name": "Ads",
        "last_overflow": None,
    }
    await process.see(swept(False))
    process.now += CALM_MS - 2000
    await process.see(swept(False))
    assert events(hook) == ["exhausted"]
    process.now += 2000
    for _ in range(2):
        await process.see(swept(False))
    assert events(hook) == ["exhausted", "recovering"]
    assert hook.posted[1].json["began"] == hook.posted[0].json["at"]
    while process.now < began + 10 * MINUTE:
        await process.see(swept(True, last_overflow=process.now))
        assert len(hook.posted) == 2
        process.now += MINUTE
    await process.see(swept(False, last_overflow=process.now - CALM_MS // 2))
    assert events(hook) == ["exhausted", "recovering", "exhausted"]


async def test_what_on_exhausted_always_got(processes: list[Process], hook: Receiver) -> None:
    """The same body, once an episode, whatever else is told."""
    (process, _) = processes
    pool = a_pool(on_exhausted=OnExhausted(webhook=hook.url))
    await process.apply(Account(id="a"), pool)
    now = process.now
    for _ in range(2):
        await process.see(swept(True, last_overflow=now))
    for _ in range(3):
        process.now += CALM_MS
        await process.see(swept(False))
    await process.see(swept(True, last_overflow=now))
    body = {"event": "pool_exhausted", "pool": "p", "account": "a", "name": "Ads"}
    assert [posted.json for posted in hook.posted] == [body | {"last_overflow": now}] * 2
    assert "ringpool-signature" not in hook.posted[0].headers


async def test_who_takes_over_goes_on(processes: list[Process], hook: Receiver) -> None:
    """The real sweeper sees a pool run out, its message isn't taken, and it is killed between two
    attempts: who leads next sends it, with the same id, and tells nothing twice."""
    first, second = processes
    await first.apply(Account(id="a", notify=notify(hook)), a_pool())
    await first.allocator.allocate("p", [Ask(name) for name in "abc"])
    hook.status = 503
    await first.round()
    assert events(hook) == ["exhausted"]
    await first.die()
    second.now = first.now
    hook.status = 204
    await second.round()
    assert len(hook.posted) == 1  # it isn't due yet
    second.now += 1000
    await second.round()
    assert [posted.json["event"] for posted in hook.posted] == ["exhausted"] * 2
    ids = {posted.headers["ringpool-delivery"] for posted in hook.posted}
    assert ids == {posted.json["id"] for posted in hook.posted}
    assert len(ids) == 1
    second.now += 20 * MINUTE
    await second.round()
    assert len(hook.posted) == 2


async def test_a_pool_grows_and_its_stock_gets_low(
    processes: list[Process], hook: Receiver
) -> None:
    """Numbers from the stock are growth, the operator's are none; the pool's receivers hear of its
    stock."""
    (process, _) = processes
    numbers = tuple(f"+1888555{place:04}" for place in range(200, 204))
    stock = Stock(id="s", account="a", low=3, numbers=numbers)
    of_stock = {"stock": "s", "initial": 0}
    pool = a_pool(**of_stock, notify=notify(hook, Event.GROWN, Event.STOCK_LOW, cooldown=MINUTE))
    await process.apply(Account(id="a"), stock, pool)
    await process.round()
    more = ("+18885550101", "+18885550102", "+18885550103")
    await process.apply(a_pool(**of_stock, notify=pool.notify, numbers=more))
    process.now += GROWTH_MS
    await process.round()
    assert hook.posted == []
    await process.allocator.allocate("p", [Ask(name) for name in "abcde"])
    process.now += GROWTH_MS
    await process.round()
    told = {posted.json["event"]: posted.json for posted in hook.posted}
    assert told.keys() == {"grown"}
    assert (told["grown"]["before"], told["grown"]["size"]) == (3, 5)
    await process.see(stock=StockStatus(4, 2, 0, 2, 0))
    await process.see(stock=StockStatus(4, 2, 0, 2, 0))
    assert events(hook) == ["grown", "stock_low"]
    low = hook.posted[1].json
    assert (low["stock"], low["available"], low["low"], low["size"]) == ("s", 2, 3, 4)


async def test_a_pool_that_will_be_exhausted(processes: list[Process], hook: Receiver) -> None:
    """Four tuples a minute in a pool of a hundred: told, once, when there is time left."""
    (process, _) = processes
    numbers = tuple(f"+1888555{place:04}" for place in range(100))
    pool = a_pool(numbers=numbers, min_duration=Duration(4 * 3_600_000))
    await process.apply(Account(id="a", notify=notify(hook, Event.WILL_BE_EXHAUSTED)), pool)
    held, rooms = 0, []
    while held < 96:
        process.now += MINUTE
        asks = [Ask(f"t{held + place}") for place in range(4)]
        await process.allocator.allocate("p", asks, now_ms=process.now)
        held += 4
        await process.round()
        if len(rooms) < len(hook.posted):
            rooms.append(100 - held)
    assert events(hook) == ["will_be_exhausted"]
    seconds = hook.posted[0].json["seconds"]
    assert 900 <= seconds <= 1500
    assert 0.5 < seconds / (rooms[0] * 15) < 1.5


@pytest.mark.parametrize(("low", "available", "told"), [(None, 1, 1), (None, 2, 0), (0, 0, 0)])
async def test_when_a_stock_is_low(
    processes: list[Process], hook: Receiver, low: int | None, available: int, told: int
) -> None:
    """With less than a tenth where it says nothing; 0 is never."""
    (process, _) = processes
    await process.apply(
        Account(id="a", notify=notify(hook, Event.STOCK_LOW)), Stock(id="s", account="a", low=low)
    )
    await process.see(stock=StockStatus(11, available, 0, 0, 0))
    assert len(hook.posted) == told


async def test_who_changed_the_configuration(processes: list[Process], hook: Receiver) -> None:
    """Changes are told together where they come within the cooldown, each once, also by who takes
    over; what is secret, and whoever isn't the account's own, is in none of them."""
    first, second = processes
    changed = notify(hook, Event.CONFIGURATION_CHANGED)
    await first.apply(Account(id="a", notify=changed), a_pool(), Account(id="b"))
    await first.see()
    assert hook.posted == []  # there was nobody to tell before
    await first.apply(a_pool(name="New", key="another-key-0123456789"), user="root")
    await first.apply(Account(id="b", name="not a's"))
    await first.see()
    (posted,) = hook.posted
    told = posted.json
    assert (told["event"], told["account"]) == ("configuration_changed", "a")
    (change,) = told["changes"]
    assert change["by"] == {"kind": "operator"}
    (entity,) = change["entities"]
    assert entity == {"kind": "pool", "id": "p", "what": "changed", "fields": ["name", "key"]}
    for name in ("Two", "Three"):
        own = first.catalog.by(Actor(kind="account", account="a", key="ci"))
        await own.apply(Configuration(pools=(a_pool(name=name),)))
        await first.see()
    assert len(hook.posted) == 1
    await first.die()
    second.now = first.now + 10 * MINUTE
    await first.apply(a_pool(name="Four"))
    await second.see()
    assert [len(posted.json["changes"]) for posted in hook.posted] == [1, 3]
    changes = hook.posted[1].json["changes"]
    assert [each["revision"] for each in changes] == [change["revision"] + n for n in (2, 3, 4)]
    assert changes[0]["by"] == {"kind": "account", "account": "a", "key": "ci"}
    kept = str(first.bench.server.command("HGETALL", NOTIFICATIONS))
    for secret in (SECRET, "a-secret", "another-key", "not a's"):
        assert secret not in kept + "".join(str(posted.body) for posted in hook.posted)


async def test_a_pools_entry_takes_the_place_of_the_accounts(
    processes: list[Process], hook: Receiver
) -> None:
    """For the same address; others of the account hear of the pool too."""
    (process, _) = processes
    async with receiver() as other:
        await process.apply(
            Account(id="a", notify=(*notify(hook), *notify(other, Event.EXHAUSTED))),
            a_pool(notify=notify(hook, Event.GROWN)),
        )
        await process.see(swept(True))
        assert (events(hook), events(other)) == ([], ["exhausted"])


async def test_an_email_is_told_of_it(bench: Bench) -> None:
    """In words, to one receiver; a name that an account chose ends no line."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(mail_server())
        url = f"smtp+plain://127.0.0.1:{server.port}"
        process = Process(bench, MailClient(MailServer.parse(url), "ringpool@example.com"))
        stack.push_async_callback(process.notifier.aclose)
        pool = a_pool(name="A\r\nBcc: b", notify=(Notify(email="ops@example.com"),))
        await process.apply(Account(id="a"), pool)
        await process.see(swept(True))
        (message,) = server.messages
        assert message["subject"] == "[Ringpool] pool p is exhausted"
        assert message["bcc"] is None
        lines = message.get_content().splitlines()
        assert lines[0] == "Pool p is exhausted."
        assert r"name: A\x0d\x0aBcc: b" in lines


async def test_check_and_the_end_of_a_receiver(processes: list[Process], hook: Receiver) -> None:
    """``ringpool check`` knows the key; what is remembered of who isn't told any more goes."""
    first, second = processes
    await first.apply(Account(id="a", notify=notify(hook, Event.EXHAUSTED)), a_pool())
    await first.see(swept(True))
    assert first.bench.server.command("HLEN", NOTIFICATIONS) == 1
    findings = await check_orphans(first.bench.store, first.catalog, lambda _: None, repair=False)
    assert findings == []
    await first.apply(Account(id="a"))
    await second.see()
    assert first.bench.server.command("HLEN", NOTIFICATIONS) == 0


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)


def shell_says(posted: Posted, secret: str, folder: Path) -> bool:
    """What the guide's lines for a shell say."""
    (folder / "body").write_bytes(posted.body)
    env = {"PATH": "/usr/bin:/bin", "SECRET": secret}
    env["SIGNATURE"] = posted.headers["ringpool-signature"]
    (script,) = blocks("sh")
    ran = subprocess.run(
        ["sh", "-euc", script], cwd=folder, env=env, capture_output=True, text=True
    )
    assert ran.stdout.strip() == ("refused" if ran.returncode else "genuine"), ran.stderr
    return ran.returncode == 0


async def test_a_receiver_checks_the_signature(
    processes: list[Process], hook: Receiver, tmp_path: Path
) -> None:
    """As the guide says it, in Python and in a shell; while a secret is replaced, with either."""
    (process, _) = processes
    (entry,) = notify(hook, Event.EXHAUSTED)
    account = Account(id="a", notify=(entry,))
    await process.apply(account, a_pool(name="Ädß"))
    await process.see(swept(True))
    both = Notify(webhook=hook.url, secret="a-new-secret-0123456789", former_secret=SECRET)
    await process.apply(Account(id="a", notify=(both,)))
    # Without secrets it keeps those that it has.
    await process.apply(
        Account(id="a", notify=(Notify(webhook=hook.url, events=(Event.RECOVERING,)),))
    )
    for _ in range(2):
        process.now += CALM_MS
        await process.see(swept(False))
    assert events(hook) == ["exhausted", "recovering"]
    named: dict[str, Any] = {}
    (example,) = blocks("python")
    exec(example, named)
    is_genuine = named["is_genuine"]
    old, new = hook.posted
    for posted, secret, genuine in (
        (old, SECRET, True),
        (old, both.secret, False),
        (new, SECRET, True),
        (new, both.secret, True),
        (new, "another-secret-0123", False),
    ):
        header, now = posted.headers["ringpool-signature"], process.now / 1000
        assert is_genuine(header, posted.body, secret, now) is genuine
        assert not is_genuine(header, posted.body + b" ", secret, now)
        assert not is_genuine(header, posted.body, secret, now + 3600)
        assert shell_says(posted, secret, tmp_path) is genuine
    assert not is_genuine("t=,v1=", old.body, SECRET)
