"""The number API over HTTP."""

from __future__ import annotations

import csv
import io
from xml.etree import ElementTree

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from allocator.port import Store
from tests.api.conftest import KEY, Site, let_guarantees_end


async def test_a_new_tuple_gets_a_number_in_json(site: Site) -> None:
    """JSON carries the national digits, the dashed form, the link, and the state of the answer."""
    pool = await site.pool()
    response = await site.ask(pool, website="one", location="footer", path="home")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    answer = response.json()
    assert answer["state"] == "new"
    digits = answer["number"].removeprefix("+1")
    assert answer["promo_number"] == digits
    assert answer["promo_number_formatted"] == f"{digits[:3]}-{digits[3:6]}-{digits[6:]}"
    assert answer["tracking_url"] == (
        f"http://ringpool.test/t/{pool}?website=one&location=footer&path=home"
    )
    assert answer["guaranteed_until"].endswith("Z")
    assert "overflow" not in answer


async def test_the_custom_pool_of_the_worked_example(site: Site) -> None:
    """A first tuple gets a new number, one that differs in path another, the first its own."""
    pool = await site.pool()
    first = (await site.ask(pool, website="one", location="footer", path="home")).json()
    other = (await site.ask(pool, website="one", location="footer", path="about")).json()
    again = (await site.ask(pool, path="home", Website="one", LOCATION="footer")).json()
    assert (first["state"], other["state"], again["state"]) == ("new", "new", "held")
    assert first["number"] == again["number"] != other["number"]


async def test_the_search_pool_of_the_worked_example(site: Site) -> None:
    """Keyword and engine make the tuple; when all numbers are held, overflow, nothing stored."""
    pool = await site.pool(2, type="search")
    google = (await site.ask(pool, search_engine="Google", search_keywords="shoes")).json()
    bing = (await site.ask(pool, search_engine="Bing", search_keywords="shoes")).json()
    again = (await site.ask(pool, search_engine="google", search_keywords=" Shoes")).json()
    assert google["number"] != bing["number"]
    assert (again["number"], again["state"]) == (google["number"], "held")
    for _ in range(2):
        third = (await site.ask(pool, search_engine="Yahoo", search_keywords="shoes")).json()
        assert third["state"] == "overflow"
        assert third["overflow"] is True
        assert third["number"] == site.number(9999)
        assert "guaranteed_until" not in third
    status = await site.status(pool)
    assert (status["held"], status["overflow_total"]) == (2, 2)


async def test_the_least_active_number_past_its_minimum_is_recycled(
    site: Site, valkey_store: Store
) -> None:
    """With no unassigned number left, the one without a call goes to the next tuple."""
    pool = await site.pool(2, type="search")
    called = (await site.ask(pool, search_engine="Google", search_keywords="a")).json()
    quiet = (await site.ask(pool, search_engine="Google", search_keywords="b")).json()
    report = {"id": "call-1", "number": called["number"], "duration_seconds": 30}
    credit = await site.client.post("/admin/v1/calls", json=report, headers=site.auth)
    assert credit.json()["tuple"] == {"search_engine": "google", "search_keywords": "a"}
    await let_guarantees_end(valkey_store, pool)
    third = (await site.ask(pool, search_engine="Google", search_keywords="c")).json()
    assert (third["state"], third["number"]) == ("recycled", quiet["number"])


async def test_xml_has_the_documented_elements(site: Site) -> None:
    """XML: Response with PromoNumberFormatted, PromoNumber, TrackingUrl and the rest."""
    pool = await site.pool()
    response = await site.ask(pool, "xml", website="<&>", path="a b")
    assert response.headers["content-type"].startswith("application/xml")
    root = ElementTree.fromstring(response.content)
    assert root.tag == "Response"
    assert [child.tag for child in root] == [
        "PromoNumberFormatted",
        "PromoNumber",
        "TrackingUrl",
        "Number",
        "State",
        "GuaranteedUntil",
    ]
    link = root.findtext("TrackingUrl")
    assert link == f"http://ringpool.test/t/{pool}?website=%3C%26%3E&path=a%20b"


async def test_csv_has_the_same_names_in_a_header_row(site: Site) -> None:
    """CSV: one header row with the names of the XML elements and one row of values."""
    pool = await site.pool()
    response = await site.ask(pool, "csv", website="one,two")
    assert response.headers["content-type"].startswith("text/csv")
    header, row = csv.reader(io.StringIO(response.text))
    answer = dict(zip(header, row, strict=True))
    assert header[:3] == ["PromoNumberFormatted", "PromoNumber", "TrackingUrl"]
    assert (answer["State"], answer["Overflow"]) == ("new", "")


async def test_positional_parameters_stand_for_the_names(site: Site) -> None:
    """param1, param2, param3 are the pool's parameters in order."""
    pool = await site.pool()
    named = (await site.ask(pool, website="one", location="two", path="three")).json()
    placed = (await site.ask(pool, param1="one", param2="two", param3="three")).json()
    assert (placed["state"], placed["number"]) == ("held", named["number"])


async def test_the_key_may_come_as_a_bearer_token(site: Site) -> None:
    """Authorization: Bearer is as good as ring_pool_key."""
    pool = await site.pool()
    response = await site.client.get(
        f"/api/v1/ring_pools/{pool}/allocate_number.json",
        headers={"authorization": f"Bearer {KEY}"},
    )
    assert response.json()["state"] == "new"


async def test_no_overflow_means_no_number(site: Site) -> None:
    """A pool that allows no overflow answers state none, without any number."""
    pool = await site.pool(1, allow_overflow=False)
    await site.ask(pool, website="one")
    answer = (await site.ask(pool, website="two")).json()
    assert answer == {
        "state": "none",
        "tracking_url": f"http://ringpool.test/t/{pool}?website=two",
    }
    xml = (await site.ask(pool, "xml", website="two")).text
    assert "PromoNumber" not in xml


async def test_publisher_and_click_to_call_travel_in_the_tracking_link(site: Site) -> None:
    """The link credits the publisher and dials on phones when the call asked for it."""
    pool = await site.pool()
    answer = await site.ask(pool, publisher=site.account, mobile_click_to_call="1")
    assert answer.json()["tracking_url"].endswith(
        f"?publisher={site.account}&mobile_click_to_call=1"
    )


async def test_a_pool_without_landing_page_has_no_link(site: Site) -> None:
    """There is nowhere that a tracking link could lead: none is shown, in any form."""
    pool = await site.pool(landing_url=None)
    answer = (await site.ask(pool, website="one")).json()
    assert answer["state"] == "new"
    assert "tracking_url" not in answer
    assert "TrackingUrl" not in (await site.ask(pool, "xml", website="one")).text
    header, row = csv.reader(io.StringIO((await site.ask(pool, "csv", website="one")).text))
    assert dict(zip(header, row, strict=True))["TrackingUrl"] == ""


async def ignored_parameters(site: Site, pool: str) -> float:
    """What /metrics has counted of a pool."""
    text = await site.metrics()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "ringpool_ignored_parameters_total" and sample.labels["pool"] == pool:
                return sample.value
    return 0.0


async def test_what_is_ignored_is_named_and_counted(site: Site) -> None:
    """A misnamed parameter, and a position that the pool doesn't have: in every form, each time."""
    pool = await site.pool(parameters=["website", "location"])
    wrong = {"param3": "x", "pid": "7", "=cmd()": "a", "-a b": "b"}
    for _ in range(2):  # computed, then remembered
        answer = (await site.ask(pool, website="one", **wrong)).json()
        assert answer["ignored"] == ["param3", "pid", "=cmd()", "-a b"]
    assert await ignored_parameters(site, pool) == 8
    root = ElementTree.fromstring((await site.ask(pool, "xml", website="one", **wrong)).content)
    assert root.findtext("Ignored") == "param3 pid %3Dcmd%28%29 %2Da%20b"
    shown = (await site.ask(pool, "csv", website="one", **wrong)).text
    header, row = csv.reader(io.StringIO(shown))
    assert dict(zip(header, row, strict=True))["Ignored"] == root.findtext("Ignored")


async def test_what_is_read_is_not_called_ignored(site: Site) -> None:
    """The pool's names and positions, the API's own fields, click ids and campaign parameters."""
    pool = await site.pool(parameters=["website", "location"])
    answer = await site.ask(
        pool,
        website="one",
        param1="one",
        param2="two",
        search_engine="Google",
        search_keywords="shoes",
        search_keyword_id="1",
        landing_page="https://a.example/",
        referrer="https://b.example/",
        mobile_click_to_call="0",
        publisher=site.account,
        visitor="v1",
        gclid="g",
        utm_source="s",
    )
    assert answer.json()["state"] == "new"
    assert "ignored" not in answer.json()
    assert await ignored_parameters(site, pool) == 0


async def test_a_strict_pool_refuses_what_it_does_not_read(site: Site) -> None:
    """400 names every such parameter and those that the pool has; nothing is taken."""
    pool = await site.pool(strict=True, parameters=["website", "location"])
    response = await site.ask(pool, website="one", param3="x", pid="7")
    assert response.status_code == 400
    assert response.text == (
        "UnknownParameter: param3, pid: unknown to this pool, which reads website, location\n"
    )
    root = ElementTree.fromstring((await site.ask(pool, "xml", pid="7")).content)
    assert root.findtext("Class") == "UnknownParameter"
    assert (await site.status(pool))["unassigned"] == 5
    assert (await site.ask(pool, website="one", gclid="g")).json()["state"] == "new"


@pytest.mark.parametrize(
    ("require", "given", "missing"),
    [
        ("none", {}, None),
        ("any", {}, "website, location"),
        ("any", {"gclid": "g"}, "website, location"),
        ("any", {"location": ""}, None),
        ("all", {}, "website, location"),
        ("all", {"website": "one"}, "location"),
        ("all", {"param1": "one", "param2": ""}, None),
    ],
)
async def test_a_pool_may_require_its_parameters(
    site: Site, require: str, given: dict[str, str], missing: str | None
) -> None:
    """``any``: not every one may be missing; ``all``: none may. An empty one isn't missing."""
    pool = await site.pool(require=require, parameters=["website", "location"])
    response = await site.ask(pool, **given)
    if missing is None:
        assert response.json()["state"] == "new"
    else:
        assert response.status_code == 400
        assert response.text.startswith(f"MissingParameter: {missing}: ")
        assert (await site.status(pool))["unassigned"] == 5


async def test_head_takes_nothing(site: Site) -> None:
    """HEAD has the headers of an answer and leaves the pool alone."""
    pool = await site.pool()
    response = await site.client.head(
        f"/api/v1/ring_pools/{pool}/allocate_number.json", params={"ring_pool_key": KEY}
    )
    assert (response.status_code, response.content) == (200, b"")
    assert (await site.status(pool))["unassigned"] == 5


@pytest.mark.parametrize(
    ("parameters", "status", "line"),
    [
        ({"ring_pool_key": ""}, 401, "MissingParameter: ring_pool_key"),
        ({"ring_pool_key": "not-the-key-0123456789"}, 401, "InvalidKey: "),
        ({"ring_pool_key": "schlüssel"}, 401, "InvalidKey: "),
        ({"website": "x" * 513}, 400, "InvalidParameter: website"),
        ({"website": "a\nb"}, 400, "InvalidParameter: website"),
        ({"website": "a\x00b"}, 400, "InvalidParameter: website"),
        ({"website": "one", "param1": "two"}, 400, "InvalidParameter: param1"),
        ({"publisher": "nobody"}, 400, "InvalidParameter: publisher"),
        ({"mobile_click_to_call": "perhaps"}, 400, "InvalidParameter: mobile_click_to_call"),
        ({"visitor": "a b"}, 400, "InvalidParameter: visitor"),
    ],
)
async def test_bad_input_names_its_class_and_field(
    site: Site, parameters: dict[str, str], status: int, line: str
) -> None:
    """JSON and CSV errors are a line of text; XML ones an Error with Class and Message."""
    pool = await site.pool()
    for form in ("json", "csv"):
        response = await site.ask(pool, form, **parameters)
        assert response.status_code == status
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
        assert response.text.startswith(line)
    root = ElementTree.fromstring((await site.ask(pool, "xml", **parameters)).content)
    assert root.tag == "Error"
    assert f"{root.findtext('Class')}: {root.findtext('Message')}".startswith(line)
    assert (await site.status(pool))["unassigned"] == 5


async def test_an_unknown_pool_or_format_is_404(site: Site) -> None:
    """A pool or a format that isn't there."""
    pool = await site.pool()
    response = await site.ask("no-such-pool")
    assert (response.status_code, response.text[:12]) == (404, "UnknownPool:")
    assert (await site.ask(pool, "html")).status_code == 404
    assert (await site.ask("no-such-pool", "xml")).status_code == 404


@pytest.mark.parametrize("query", ["website=%", "website=%zz", "website=%ff", "a=1&a=2"])
async def test_a_query_that_cannot_be_read_is_refused(site: Site, query: str) -> None:
    """Broken escapes, bytes that are no UTF-8 and contradictions are the caller's to correct."""
    pool = await site.pool()
    url = f"/api/v1/ring_pools/{pool}/allocate_number.json?ring_pool_key={KEY}&{query}"
    response = await site.client.get(url)
    assert (response.status_code, response.text[:17]) == (400, "InvalidParameter:")


async def test_other_methods_are_refused_with_allow(client: httpx.AsyncClient) -> None:
    """405 says what is allowed."""
    response = await client.post("/api/v1/ring_pools/x/allocate_number.json")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")
