"""What ``explain`` says of a visit is what then happens: random visits, in virtual time."""

from __future__ import annotations

import asyncio
import os
import random
import time
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from allocator.allocator import Allocator
from allocator.answers import Answer
from allocator.port import Store
from allocator.stocks import Stocks
from allocator.worker.cache import AssignmentCache
from api.app import create_app
from ringpool.catalog.catalog import Catalog
from ringpool.catalog.snapshot import Snapshot
from ringpool.explanation import Explainer, TargetExplained
from ringpool.security.keeping import seal_for
from ringpool.settings import Settings
from ringpool.visits.described import DescribedVisit
from tests.api.conftest import ADMIN, Site, running, sent_on

VISITS = int(os.environ.get("RINGPOOL_RANDOM_VISITS", "3000"))
"""Raise it to search for longer: the first ones are the same in every run."""
BATCH = 500
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


class VirtualTime(Allocator):
    """An allocator whose clock is ``now``, for all there are."""

    now = 0

    def allocate(self, pool_id: str, asks: Any, *, now_ms: int | None = None) -> Any:
        return super().allocate(pool_id, asks, now_ms=self.now)

    async def touch(self, pool_id: str, asks: Any, *, now_ms: int | None = None) -> list[Answer]:
        return await super().touch(pool_id, asks, now_ms=self.now)

    async def preview(
        self,
        pool_id: str,
        tuple_: str,
        areas: str = "",
        network: str = "",
        *,
        now_ms: int | None = None,
    ) -> Answer:
        return await super().preview(pool_id, tuple_, areas, network, now_ms=self.now)


async def configure(site: Site) -> list[str]:
    """Pools of every kind for two targets; each is too small, so that all states come about."""
    one, two = site.number(8000), site.number(8001)
    short = {"min_duration": "1m", "swap_targets": [one]}
    new_york, los_angeles, in_stock = (
        f"+1{area}6{site.area[1:]}{place}" for area, place in ((212, 0), (213, 0), (212, 1))
    )
    await site.pool(
        name="paid",
        **short,
        parameters=["utm_campaign"],
        when={"medium": "paid"},
        priority=10,
        match="area",
        numbers=[new_york, los_angeles, site.number(5000)],
        budget={"share": 30, "least": 1, "rate": 2},
    )
    await site.pool(
        4,
        "keep",
        **short,
        parameters=["utm_campaign"],
        when={"utm_source": ["mail", "app"]},
        sticky=True,
        touch="first",
        priority=5,
    )
    await site.pool(
        1,
        "fixed",
        type="static",
        overflow_number=None,
        numbers=[site.number(7000)],
        when={"param.ref": {"prefix": "dir"}},
        swap_targets=[one, two],
        priority=1,
    )
    await site.pool(
        3,
        "search",
        **short,
        type="search",
        when={"search_engine": {"present": True}},
        recycle="round_robin",
    )
    stock = {
        "account": site.account,
        "quarantine": "0s",
        "numbers": [site.number(6000), in_stock],
    }
    url = f"/admin/v1/stocks/{site.account}-stock"
    response = await site.client.put(url, json=stock, headers=site.auth)
    assert response.status_code == 201, response.text
    await site.pool(
        2,
        "visitors",
        type="visitor",
        stock=f"{site.account}-stock",
        match="area",
        max_size=4,
        allow_overflow=False,
        overflow_number=None,
        min_duration="1m",
        hold_on_activity="90s",
        recycle="weighted_random",
        when={"device": "phone"},
        swap_targets=[two],
        budget={"share": 30, "least": 1},
    )
    await site.pool(2, "campaign", parameters=["website"], min_duration="1m")
    return [one, two]


class Visitors:
    """Random visits; some bring back what earlier ones were given."""

    def __init__(self, drawn: random.Random) -> None:
        self._drawn = drawn
        self.kept: list[str] = []
        self.links: list[str] = []

    def visit(self) -> dict[str, str]:
        """A page's request, with ``agent``, ``area`` and ``address``."""
        draw = self._drawn
        query: dict[str, str] = {}
        if draw.random() < 0.5:
            query["utm_campaign"] = draw.choice("abcdefg")
        if draw.random() < 0.2:
            query["utm_source"] = draw.choice(("mail", "app", "other"))
        if draw.random() < 0.3:
            query[draw.choice(("gclid", "fbclid", "ttclid"))] = draw.choice(("x1", "__X__", "y"))
        if draw.random() < 0.1:
            query["ref"] = draw.choice(("directory", "friend"))
        if draw.random() < 0.1:
            query["utm_campaign"] = "{campaign}"
        page = "https://shop.example/" + draw.choice(("", "a", "b"))
        text = f"{page}?{urlencode(query)}"
        if self.links and draw.random() < 0.05:
            text = f"{page}?{draw.choice(self.links)}"
        asked = {
            "url": text,
            "agent": draw.choices((BROWSER, PHONE, CRAWLER), (50, 45, 5))[0],
            "visitor": draw.choices((f"v{draw.randrange(9)}", ""), (9, 1))[0],
            "ref": draw.choice(
                ("", "https://www.google.com/", "https://www.bing.com/search?q=shoes")
            ),
        }
        if draw.random() < 0.5:
            asked["area"] = draw.choice(("212", "213", "646,213,212", "312"))
        if draw.random() < 0.5:
            asked["address"] = draw.choice(("8.8.4.4", "8.8.4.8", "9.9.9.9", "2606:4700:1:2::1"))
        if draw.random() < 0.3:
            asked["first_url"] = f"{page}?utm_campaign={draw.choice('uvwxyz')}"
        if self.kept and draw.random() < 0.25:
            asked["held"] = ",".join(draw.sample(self.kept, min(2, len(self.kept))))
        return {name: value for name, value in asked.items() if value}


def expected(target: TargetExplained) -> dict[str, Any]:
    """The entry of ``swaps`` or ``none`` that is foretold."""
    if target.reason:
        foretold = {"target": target.target, "pool": target.pool, "reason": target.reason}
    else:
        foretold = {
            "target": target.target,
            "pool": target.pool,
            "state": target.state.value,
            "number": target.number,
            "guaranteed_until": target.guaranteed_until,
        }
    if target.state == "new" and not target.number:  # the stock sends one, which it decides
        del foretold["number"], foretold["guaranteed_until"]
    return foretold


async def _no_sweeps(_sweeper: object) -> None:
    await asyncio.Event().wait()


@pytest.mark.timeout(900)
async def test_random_visits(
    tmp_path: Path, valkey_store: Store, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pool, state, number and guarantee of each target; and the telling takes nothing."""
    VirtualTime.now = int(time.time() * 1000) + 3_600_000
    monkeypatch.setattr("api.app.Allocator", VirtualTime)
    # A sweep between a telling and its visit would draw other lots for weighted_random.
    monkeypatch.setattr("api.app.Sweeper.run", _no_sweeps)
    # What a worker remembers is right in real time only.
    monkeypatch.setattr("api.app.AssignmentCache", partial(AssignmentCache, cache_bytes=0))
    settings = Settings(
        data_dir=tmp_path,
        admin_token=ADMIN,
        trusted_proxies=("127.0.0.0/8",),
        area_header="x-visitor-area",
    )
    drawn = random.Random(20_261_127)
    visitors, seen = Visitors(drawn), set[tuple[str, str]]()
    allocator = VirtualTime(valkey_store)
    async with running(create_app(settings, store=valkey_store)) as client:
        site = Site(client, unique, f"6{int(unique[2:8], 16) % 90000 + 10000:05d}")
        await site.make_account()
        targets = await configure(site)
        catalog = Catalog(valkey_store, allocator, Stocks(valkey_store))
        snapshot = Snapshot(*await catalog.entities())
        signer = settings.open_keyring().signer
        explainer = Explainer(snapshot, allocator, signer, seal_for(signer))
        for batch in range(VISITS // BATCH):
            link = await client.get(f"/t/{unique}-campaign?website={drawn.choice('abc')}")
            sent = {name: values[0] for name, values in sent_on(link).items()}
            visitors.links = [*visitors.links[-5:], urlencode(sent)]
            for _ in range(BATCH):
                VirtualTime.now += drawn.choice((0, 1, 500, 10_000))
                asked = visitors.visit()
                described = DescribedVisit.read({"account": unique, **asked})
                explained = await explainer.explain(
                    unique,
                    snapshot.targets(unique),
                    described.click(snapshot.accounts),
                    time.time(),
                    is_visitor=described.is_visitor,
                )
                headers = {"user-agent": asked.pop("agent")}
                area = asked.pop("area", "")
                if area:
                    headers["x-visitor-area"] = area
                if "address" in asked:
                    headers["x-forwarded-for"] = asked.pop("address")
                reply = (await site.swap(headers, **asked)).json()
                given = [*reply["swaps"], *reply.get("none", ())]
                entries = {each["target"]: each for each in given}
                assert sorted(entries) == targets
                for target in explained.targets:
                    entry = entries[target.target]
                    foretold = expected(target)
                    found = {name: entry.get(name, "") for name in foretold}
                    assert found == foretold, (batch, asked, area)
                    seen.add((target.why, entry.get("state") or entry["reason"]))
                    if target.tuple and "area" in target.tuple and target.why == "rule":
                        seen.add(("area", entry.get("state") or entry["reason"]))
                    if "keep" in entry:
                        visitors.kept = [*visitors.kept[-8:], entry["keep"]]
    assert seen >= {
        ("link", "held"),
        ("kept", "held"),
        ("rule", "new"),
        ("rule", "held"),
        ("rule", "recycled"),
        ("rule", "overflow"),
        ("rule", "exhausted"),
        ("rule", "budget"),
        ("rule", "not_a_visitor"),
        ("rule", "invalid_parameter"),
        ("no_rule", "no_rule"),
        *(("area", state) for state in ("new", "held", "recycled", "overflow", "exhausted")),
    }


async def test_the_endpoint(site: Site) -> None:
    """Every pool with its conditions, what the visit had, tuple and state; it leaves no trace."""
    target = site.number(8000)
    paid = await site.pool(
        1, "paid", swap_targets=[target], parameters=["utm_campaign"], when={"medium": "paid"}
    )
    general = await site.pool(1, "general", swap_targets=[target], priority=200)
    url = "https://shop.example/?utm_campaign=a&gclid=x"

    async def explain(**query: str) -> dict[str, Any]:
        response = await site.client.get(
            "/admin/v1/explain", params={"account": site.account, **query}, headers=site.auth
        )
        assert response.status_code == 200, response.text
        (explained,) = response.json()["targets"]
        return dict(explained)

    before = await site.status(paid)
    for _ in range(2):
        explained = await explain(url=url)
        assert (explained["pool"], explained["why"], explained["state"]) == (paid, "rule", "new")
        assert explained["tuple"] == {"utm_campaign": "a"}
        assert explained["rules"] == [
            {
                "pool": paid,
                "priority": 100,
                "matched": True,
                "conditions": [
                    {"field": "medium", "expected": "paid", "values": ["paid"], "met": True}
                ],
            },
            {"pool": general, "priority": 200, "matched": True, "conditions": []},
        ]
    assert await site.status(paid) | {"clock": 0} == before | {"clock": 0}
    direct = await explain(url="https://shop.example/")
    assert direct["pool"] == general
    assert direct["rules"][0]["conditions"][0]["values"] == ["direct"]
    crawler = await explain(url=url, agent=CRAWLER)
    assert (crawler["state"], crawler["reason"]) == ("none", "not_a_visitor")
    unknown = await explain(url=url, targets="+18005550199")
    assert unknown["reason"] == "no_rule"


async def test_who_may_ask_and_what_is_refused(site: Site) -> None:
    """An account's key sees its own account alone; faults name the parameter."""
    key = "account-key-0123456789abcdef"
    await site.make_account(api_keys=[key])
    own = {"authorization": f"Bearer {key}"}
    get = site.client.get
    assert (await get("/admin/v1/explain")).status_code == 401
    assert (await get("/admin/v1/explain", headers=own)).json()["account"] == site.account
    other = await get("/admin/v1/explain?account=another", headers=own)
    assert other.status_code == 404
    missing = await get("/admin/v1/explain", headers=site.auth)
    assert (missing.status_code, missing.json()["errors"][0]["field"]) == (400, "account")
    for name, value in (("country", "USA"), ("visitor", "a b"), ("targets", "x")):
        url = f"/admin/v1/explain?{name}={quote(value)}"
        wrong = await get(url, headers=own)
        assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, name)
