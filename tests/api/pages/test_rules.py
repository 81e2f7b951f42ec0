"""Several pools for one number on a page: the account's rules decide, visit by visit."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest

from allocator.port import Store
from api.app import create_app
from ringpool.settings import Settings
from tests.api.conftest import ADMIN, Site, let_guarantees_end, running, sent_on

PAGE = "https://shop.example/"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"


class Shop:
    """A site whose pages print one number."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.target = site.number(8000)

    async def pool(self, name: str, **more: Any) -> str:
        """A pool that replaces the number."""
        return await self.site.pool(3, name, **{"swap_targets": [self.target]} | more)

    async def entry(
        self, page: str = PAGE, headers: dict[str, str] | None = None, **query: str
    ) -> dict[str, Any]:
        """What a visit to a page gets for the number: an entry of ``swaps`` or of ``none``."""
        answer = (await self.site.swap(headers, url=page, **query)).json()
        (entry,) = [*answer["swaps"], *answer.get("none", ())]
        return dict(entry)


@pytest.fixture
def shop(site: Site) -> Shop:
    """A site without pools."""
    return Shop(site)


async def test_the_first_match_wins(shop: Shop) -> None:
    """Paid clicks take of a pool, a partner's visitors get their number, others the printed one."""
    paid = await shop.pool("paid", when={"medium": "paid"}, priority=20)
    partner = await shop.pool("friends", when={"param.ref": ["one", "two"]}, priority=10)
    assert (await shop.entry(f"{PAGE}?gclid=abc"))["pool"] == paid
    assert (await shop.entry(f"{PAGE}?ref=two"))["pool"] == partner
    assert (await shop.entry(f"{PAGE}?ref=two&gclid=abc"))["pool"] == partner
    none = {"target": shop.target, "reason": "no_rule"}
    assert await shop.entry() == none
    assert await shop.entry(f"{PAGE}?ref=three") == none
    general = await shop.pool("general", priority=90)  # no rule: every visit
    assert (await shop.entry())["pool"] == general
    assert (await shop.entry(pool=paid))["pool"] == paid  # by name, whatever its rule says


async def test_equal_priorities_go_by_id(shop: Shop) -> None:
    """The order is the same on every worker and after every restart."""
    second = await shop.pool("b", when={"path": {"prefix": "/"}})
    first = await shop.pool("a", when={"path": {"prefix": "/"}})
    assert (await shop.entry())["pool"] == first < second


async def test_two_pools_for_every_visit_are_refused(shop: Shop) -> None:
    """The second would never be asked."""
    await shop.pool("one")
    site = shop.site
    body = {
        "account": site.account,
        "parameters": ["a"],
        "allow_overflow": False,
        "swap_targets": [shop.target],
    }
    url = f"/admin/v1/pools/{site.account}-two"
    response = await site.client.put(url, json=body, headers=site.auth)
    assert response.status_code == 422
    assert "swap_targets[0]" in response.text
    body["when"] = {"device": "phone"}
    assert (await site.client.put(url, json=body, headers=site.auth)).status_code == 201


async def test_faults_of_a_rule_are_named(shop: Shop) -> None:
    """Each fault with its path, all at once, and nothing is made."""
    site = shop.site
    body = {
        "account": site.account,
        "parameters": ["a"],
        "allow_overflow": False,
        "when": {
            "mediun": "paid",
            "medium": ["paid", "pay"],
            "country": "USA",
            "path": {"pattern": "(?=x)"},
            "host": {"prefix": "a", "present": True},
            "device": {},
        },
    }
    url = f"/admin/v1/pools/{site.account}-x"
    response = await site.client.put(url, json=body, headers=site.auth)
    fields = [error["field"] for error in response.json()["errors"]]
    assert fields == [
        "when.mediun",
        "when.medium[1]",
        "when.country",
        "when.path.pattern",
        "when.host",
        "when.device",
    ]
    body["when"] = {"medium": 5, "path": {"prefixx": "/"}, "host": [1]}
    response = await site.client.put(url, json=body, headers=site.auth)
    fields = [error["field"] for error in response.json()["errors"]]
    assert fields == ["when.medium", "when.path.prefixx", "when.host[0]"]


async def test_answers_are_remembered_apart_by_device(shop: Shop) -> None:
    """A phone's answer isn't a computer's, where a rule reads the device, however often asked."""
    phones = await shop.pool("phones", when={"device": "phone"})
    for _ in range(3):
        entry = await shop.entry(headers={"user-agent": PHONE})
        assert entry["pool"] == phones
        assert (await shop.entry())["reason"] == "no_rule"
    # An account that is named in another way is no way around it.
    url = f"/v1/swap?acc%6Funt={shop.site.account}&url={quote(PAGE)}"
    for agent, count in ((PHONE, 1), ("Mozilla/5.0", 0)) * 2:
        answer = (await shop.site.client.get(url, headers={"user-agent": agent})).json()
        assert len(answer["swaps"]) == count


async def test_a_click_ids_value_counts_where_a_rule_reads_it(shop: Shop) -> None:
    """Answers are repeated whatever the click id, but not for a rule that compares it."""
    await shop.pool("one", when={"gclid": {"prefix": "test-"}})
    for _ in range(2):
        assert "state" in await shop.entry(f"{PAGE}?gclid=test-1")
        assert "reason" in await shop.entry(f"{PAGE}?gclid=real-1")


async def test_country_is_told_by_a_trusted_proxy_alone(
    tmp_path: Any, valkey_store: Store, unique: str
) -> None:
    """The header of a proxy counts; that of a visitor, or one sent twice, doesn't."""
    settings = Settings(
        data_dir=tmp_path,
        admin_token=ADMIN,
        trusted_proxies=("127.0.0.0/8",),
        country_header="cf-ipcountry",
    )
    app = create_app(settings, store=valkey_store)
    async with running(app) as client:
        site = Site(client, unique, f"7{int(unique[2:8], 16) % 90000 + 10000:05d}")
        await site.make_account()
        shop = Shop(site)
        swiss = await shop.pool("ch", when={"country": "ch"})
        for _ in range(2):
            assert (await shop.entry(headers={"cf-ipcountry": "CH"}))["pool"] == swiss
            assert (await shop.entry(headers={"cf-ipcountry": "DE"}))["reason"] == "no_rule"
            assert (await shop.entry())["reason"] == "no_rule"
        twice = [("cf-ipcountry", "CH"), ("cf-ipcountry", "DE")]
        query = {"account": site.account, "url": PAGE}
        answer = (await client.get("/v1/swap", params=query, headers=twice)).json()
        assert answer["swaps"] == []
        transport: Any = client._transport
        transport.client = ("203.0.113.9", 123)
        assert (await shop.entry(headers={"cf-ipcountry": "CH"}))["reason"] == "no_rule"


async def test_a_static_pool_has_one_number_for_all(shop: Shop) -> None:
    """The same number for everybody, at once and by every way; its calls are the pool's own."""
    site = shop.site
    number = site.number(7000)
    pool = await shop.pool(
        "listing",
        type="static",
        numbers=[number],
        overflow_number=None,
        when={"utm_source": "listing"},
    )
    for _ in range(2):
        entry = await shop.entry(f"{PAGE}?utm_source=listing")
        assert (entry["number"], entry["state"], entry["hold_ms"]) == (number, "held", 0)
        assert "guaranteed_until" not in entry
        answer = (await site.ask(pool)).json()
        assert (answer["number"], answer["state"]) == (number, "held")
    link = await site.client.get(f"/t/{pool}?a=1")
    assert sent_on(link)["rp_number"] == [number]
    row = {"api_suffix": f"{pool}/allocate_number.json?ring_pool_key=pool-key-0123456789abcdef"}
    bulk = (await site.client.post("/api/v1/bulk.json", json={"requests": [row]})).json()
    assert bulk["responses"][0]["number"] == number
    status = await site.status(pool)
    assert (status["unassigned"], status["new_total"], status["held_total"]) == (1, 0, 0)
    call = {"id": "c1", "number": number}
    answer = await site.client.post("/admin/v1/calls", json=call, headers=site.auth)
    assert (answer.json()["pool"], answer.json()["counted"]) == (pool, True)
    assert "tuple" not in answer.json()


async def test_a_static_pool_keeps_its_number_over_edits(shop: Shop) -> None:
    """An edit without a number leaves it, one with another replaces it; none or two are refused."""
    site = shop.site
    number, other = site.number(7000), site.number(7001)
    pool = await shop.pool("s", type="static", numbers=[number], overflow_number=None)
    url = f"/admin/v1/pools/{pool}"
    for patch, shown in (({"name": "x"}, number), ({"numbers": [other]}, other)):
        response = await site.client.patch(url, json=patch, headers=site.auth)
        assert response.status_code == 200, response.text
        assert (await shop.entry())["number"] == shown
    for numbers in ([], [number, other]):
        response = await site.client.patch(url, json={"numbers": numbers}, headers=site.auth)
        assert response.status_code == 422
        assert response.json()["errors"][0]["field"] == "numbers"
    custom = {"type": "custom", "parameters": ["a"], "overflow_number": site.number(9999)}
    response = await site.client.patch(url, json=custom, headers=site.auth)
    assert response.json()["errors"][0]["field"] == "type"


async def test_a_links_signed_number_wins_on_its_landing_page(shop: Shop) -> None:
    """Whichever pool it comes from: one without targets too; not that of another account."""
    site = shop.site
    await shop.pool("general")
    campaign = await site.pool(2, "campaign")
    sent = sent_on(await site.client.get(f"/t/{campaign}?website=w"))
    landing = f"{PAGE}?{urlencode({name: values[0] for name, values in sent.items()})}"
    for _ in range(2):
        entry = await shop.entry(landing)
        assert (entry["number"], entry["pool"]) == (sent["rp_number"][0], campaign)
    forged = landing.replace("rp_exp=", "rp_exp=9")
    assert (await shop.entry(forged))["pool"].endswith("-general")
    proof = {name: sent[name][0] for name in ("rp_number", "rp_pool", "rp_exp", "rp_sig")}
    valid = {}
    for account in (site.account, "another", ""):
        reply = await site.client.get("/v1/verify", params={**proof, "account": account})
        valid[account] = reply.json()["valid"]
    assert valid == {site.account: True, "another": False, "": True}


async def test_a_signed_number_of_another_account_is_ignored(shop: Shop, client: Any) -> None:
    """One key signs for all accounts, so the pool must be the account's."""
    other = Site(client, f"{shop.site.account}-b", shop.site.area[:-1] + "9")
    other.area = str(int(shop.site.area) + 1)
    await other.make_account()
    foreign = await other.pool(2, "foreign")
    sent = sent_on(await client.get(f"/t/{foreign}?website=w"))
    await shop.pool("general")
    landing = f"{PAGE}?{urlencode({name: values[0] for name, values in sent.items()})}"
    assert (await shop.entry(landing))["pool"].endswith("-general")


async def test_the_tuple_of_the_first_touch(shop: Shop) -> None:
    """A pool with ``touch: first`` makes its tuple of the visit that came first."""
    site = shop.site
    pool = await shop.pool("first", parameters=["utm_campaign"], touch="first")
    first = await shop.entry(f"{PAGE}?utm_campaign=a", first_url=f"{PAGE}?utm_campaign=z")
    again = await shop.entry(f"{PAGE}?utm_campaign=b", first_url=f"{PAGE}?utm_campaign=z")
    assert first["number"] == again["number"]
    alone = await shop.entry(f"{PAGE}?utm_campaign=z")  # without a first touch it is this one
    assert alone["number"] == first["number"]
    holder = await site.client.get(f"/admin/v1/numbers/{first['number']}", headers=site.auth)
    assert holder.json()["holder"]["tuple"] == {"utm_campaign": "z"}
    assert holder.json()["holder"]["pool"] == pool


async def test_a_sticky_pools_number_is_kept(shop: Shop, valkey_store: Store) -> None:
    """Whatever brings the visitor next, until the number is another's; nothing new is taken."""
    site = shop.site
    sticky = await shop.pool(
        "paid",
        parameters=["utm_campaign"],
        when={"medium": "paid"},
        sticky=True,
        min_duration="1s",  # so short that no worker answers from its memory
    )
    general = await shop.pool("general", priority=200, parameters=["utm_campaign"])
    first = await shop.entry(f"{PAGE}?utm_campaign=a&gclid=1")
    assert first["pool"] == sticky
    for page in (PAGE, f"{PAGE}?utm_campaign=b", f"{PAGE}?utm_campaign=b&gclid=2"):
        kept = await shop.entry(page, held=first["keep"])
        assert (kept["number"], kept["state"], kept["keep"]) == (
            first["number"],
            "held",
            first["keep"],
        )
    assert (await site.status(sticky))["new_total"] == 1
    assert (await site.status(general))["new_total"] == 0
    assert (await shop.entry(PAGE))["pool"] == general
    # Three other campaigns take the pool's numbers once the guarantees are over.
    await let_guarantees_end(valkey_store, sticky)
    for campaign in "xyz":
        await shop.entry(f"{PAGE}?utm_campaign={campaign}&gclid=3")
    assert (await shop.entry(f"{PAGE}?utm_campaign=late", held=first["keep"]))["pool"] == general


async def test_what_is_held_cannot_be_forged(shop: Shop) -> None:
    """A changed text, another account's, a pool that isn't sticky any more: as if nothing was."""
    site = shop.site
    sticky = await shop.pool("paid", parameters=["a"], when={"medium": "paid"}, sticky=True)
    keep = (await shop.entry(f"{PAGE}?gclid=1"))["keep"]
    for text in (
        keep[:-1] + ("A" if keep[-1] != "A" else "B"),
        keep[1:],
        "x",
        "é",
        ",,",
        "A" * 5000,
    ):
        assert (await shop.entry(PAGE, held=text))["reason"] == "no_rule"
    assert (await shop.entry(PAGE, held=f"x,{keep}"))["pool"] == sticky
    response = await site.client.patch(
        f"/admin/v1/pools/{sticky}", json={"sticky": None}, headers=site.auth
    )
    assert response.status_code == 200
    assert (await shop.entry(PAGE, held=keep))["reason"] == "no_rule"


async def test_unfilled_placeholders_are_missing_and_counted(shop: Shop) -> None:
    """In page, link and API alike; each click is counted, though its answer could be repeated."""
    site = shop.site
    pool = await shop.pool("one", parameters=["keyword", "place"])
    numbers = set()
    for value in ("{keyword}", "{{x}}", "%%KEYWORD%%", "%%CAMPAIGN%%", "[keyword]", "${x}", ""):
        page = f"{PAGE}?place=top" + (f"&keyword={value}" if value else "")
        numbers.add((await shop.entry(page))["number"])
        query = f"ring_pool_key=pool-key-0123456789abcdef&place=top&param1={value}"
        if not value:
            query = query.removesuffix("&param1=")
        url = f"/api/v1/ring_pools/{pool}/allocate_number.json?{query}"
        numbers.add((await site.client.get(url)).json()["number"])
        link = f"/t/{pool}?place=top" + (f"&keyword={value}" if value else "")
        numbers |= set(sent_on(await site.client.get(link))["rp_number"])
    assert len(numbers) == 1
    for _ in range(2):
        await shop.entry(f"{PAGE}?place=top&keyword=%7Bkeyword%7D")
    metrics = await site.metrics()
    assert f'ringpool_unfilled_placeholders_total{{pool="{pool}"}} 20.0' in metrics


async def test_a_placeholder_that_looks_like_a_click_id_isnt_one(shop: Shop) -> None:
    """Its answer isn't that of a real click, though both are remembered without their ids."""
    await shop.pool("paid", when={"medium": "paid"})
    for _ in range(2):
        assert "state" in await shop.entry(f"{PAGE}?ttclid=abc")
        assert "reason" in await shop.entry(f"{PAGE}?ttclid=__CLICKID__")


async def test_cookies_and_the_referrers_query(shop: Shop) -> None:
    """Both can be parameters of a tuple and fields of a rule."""
    site = shop.site
    pool = await shop.pool(
        "one",
        parameters=["cookie._ga", "referrer.article"],
        when={"referrer.article": {"present": True}, "cookie._ga": {"pattern": r"^GA1\."}},
    )
    referrer = "https://news.example/?article=9&gclid=7"
    entry = await shop.entry(PAGE, ref=referrer, **{"cookie._ga": "GA1.2"})
    holder = await site.client.get(f"/admin/v1/numbers/{entry['number']}", headers=site.auth)
    assert holder.json()["holder"]["tuple"] == {"cookie._ga": "GA1.2", "referrer.article": "9"}
    assert holder.json()["holder"]["pool"] == pool
    assert (await shop.entry(PAGE, ref=referrer))["reason"] == "no_rule"
    script = (await site.client.get(f"/dni.js?account={site.account}")).text
    assert '"cookies":"_ga"' in script


async def test_a_pages_own_ref_parameter_is_no_field_of_the_request(shop: Shop) -> None:
    """``param.ref`` is the ``ref`` in the page's URL, not the request's referrer."""
    await shop.pool("one", when={"param.ref": "mail"})
    assert "state" in await shop.entry(f"{PAGE}?ref=mail", ref="https://a.example/")
    assert "reason" in await shop.entry(PAGE, ref="mail")


async def test_presence_reaches_the_pool_that_gave_the_number(shop: Shop) -> None:
    """A ping extends the guarantee in the pool that the rules, or a kept number, name."""
    site = shop.site
    sticky = await shop.pool(
        "paid",
        parameters=["a"],
        when={"medium": "paid"},
        sticky=True,
        min_duration="1s",
        hold_on_activity="1h",
    )
    await shop.pool("general", priority=200)
    first = await shop.entry(f"{PAGE}?gclid=1")

    async def activity() -> Any:
        url = f"/admin/v1/numbers/{first['number']}"
        holder = (await site.client.get(url, headers=site.auth)).json()["holder"]
        return holder["pool"], holder["guaranteed_until"], holder["clicks"]

    before = await activity()
    query = {"account": site.account, "url": PAGE, "held": first["keep"]}
    response: httpx.Response = await site.client.get("/v1/ping", params=query)
    assert response.status_code == 204
    after = await activity()
    assert (after[0], after[2]) == (sticky, before[2])
    assert after[1] >= before[1]
