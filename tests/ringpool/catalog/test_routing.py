"""200 visits against 60 rules, each judged by a plain-Python oracle too."""

from __future__ import annotations

import itertools
import random
import re
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from ringpool.catalog.routing import first_match, route
from ringpool.catalog.snapshot import Snapshot
from ringpool.catalog.targets import read_targets
from ringpool.config import config_file
from ringpool.config.codec import convert
from ringpool.faults import Fault
from ringpool.model import Account, Configuration, Pool
from ringpool.visits.click import Click, Surroundings
from ringpool.visits.source_rules import prepare

TARGET = "+18005550100"


class Arrival(NamedTuple):
    """How a visitor came, and what that is known to mean."""

    query: dict[str, str]
    referrer: str
    facts: dict[str, Any]


def arrival(query: dict[str, str], referrer: str = "", **facts: Any) -> Arrival:
    return Arrival(query, referrer, facts)


GOOGLE = {"search_engine": "Google", "search_keywords": "(not provided)"}
ARRIVALS = (
    arrival({}, medium="direct"),
    arrival({"gclid": "Abc"}, medium="paid", gclid="Abc", click_id=["gclid"], **GOOGLE),
    arrival(
        {"utm_source": "Mail", "utm_medium": "email"},
        medium="referral",
        utm_source="Mail",
        utm_medium="email",
    ),
    arrival({}, "https://www.google.com/", medium="organic", referrer_host="google.com", **GOOGLE),
    arrival(
        {},
        "https://www.bing.com/search?q=Red+Shoes",
        medium="organic",
        referrer_host="bing.com",
        search_engine="Bing",
        search_keywords="Red Shoes",
        **{"referrer.q": "Red Shoes"},
    ),
    arrival({}, "https://m.facebook.com/", medium="social", referrer_host="m.facebook.com"),
    arrival(
        {"fbclid": "f", "ref": "partner"},
        medium="social",
        fbclid="f",
        click_id=["fbclid"],
        **{"param.ref": "partner"},
    ),
    arrival(
        {"ref": ""},
        "https://News.example/a?article=7",
        medium="referral",
        referrer_host="news.example",
        **{"param.ref": "", "referrer.article": "7"},
    ),
    arrival(
        {"utm_term": "{keyword}", "utm_campaign": "Spring", "msclkid": "m", "gclid": "g"},
        medium="paid",
        utm_campaign="Spring",
        msclkid="m",
        gclid="g",
        click_id=["gclid", "msclkid"],
        **GOOGLE,
    ),
    arrival({"ref": "[partner]"}, "https://www.shop.example/x", medium="direct"),
)
PATHS = ("/", "/offers/shoes", "/offers", "/Offers/Shoes", "/blog/ä b")
AROUND = (("phone", "CH"), ("other", "US"), ("phone", ""), ("other", ""))

WHENS: list[dict[str, Any]] = [
    {"medium": "paid"},
    {"medium": ["organic", "SOCIAL"]},
    {"medium": {"prefix": "re"}},
    {"search_engine": "google"},
    {"search_engine": {"present": True}},
    {"search_keywords": "red  shoes"},
    {"search_keywords": {"pattern": "(?i)shoe"}},
    {"utm_source": "mail"},
    {"utm_source": "Mail"},
    {"utm_campaign": {"present": True}},
    {"utm_term": {"present": True}},
    {"utm_term": {"present": False}},
    {"gclid": {"present": True}},
    {"gclid": {"prefix": "A"}},
    {"gclid": {"prefix": "a"}},
    {"click_id": {"present": False}},
    {"click_id": "msclkid"},
    {"click_id": ["fbclid", "msclkid"]},
    {"referrer_host": "www.google.com"},
    {"referrer_host": {"pattern": r"(^|\.)facebook\.com$"}},
    {"referrer_host": {"present": False}},
    {"host": "WWW.shop.example"},
    {"host": "other.example"},
    {"path": "/offers"},
    {"path": {"prefix": "/offers/"}},
    {"path": {"pattern": "^/(offers|blog)"}},
    {"path": "/blog/ä b"},
    {"device": "phone"},
    {"country": "ch"},
    {"country": ["us", "CH"]},
    {"country": {"present": False}},
    {"param.ref": "partner"},
    {"param.ref": {"present": True}},
    {"param.ref": {"prefix": "p"}},
    {"referrer.q": {"present": True}},
    {"referrer.article": "7"},
    {"cookie._ga": {"present": True}},
]
MIXER = random.Random(9)
for _ in range(23):
    mixed: dict[str, Any] = {}
    for single in MIXER.sample(WHENS[:37], MIXER.choice((2, 3))):
        mixed |= single
    WHENS.append(mixed)

CASELESS = ("medium", "search_engine", "search_keywords", "device", "country", "click_id")


def oracle(when: dict[str, Any], facts: dict[str, Any]) -> bool:
    """Whether a visit with these facts meets all conditions: as README says it, in few words."""
    for field, wanted in when.items():
        value = facts.get(field)
        values = [] if value is None else value if isinstance(value, list) else [value]

        def same(text: str, field: str = field) -> str:
            if field.endswith("host"):
                return text.lower().removeprefix("www.")
            return " ".join(text.lower().split()) if field in CASELESS else text

        if isinstance(wanted, str):
            met = any(same(each) == same(wanted) for each in values)
        elif isinstance(wanted, list):
            met = any(same(each) in map(same, wanted) for each in values)
        elif "present" in wanted:
            met = bool(values) == wanted["present"]
        elif "prefix" in wanted:
            met = any(same(each).startswith(same(wanted["prefix"])) for each in values)
        else:
            met = any(re.search(wanted["pattern"], each) for each in values)
        if not met:
            return False
    return True


def visits() -> list[tuple[Click, dict[str, Any]]]:
    """200 visits with what is known to be so of each."""
    made = []
    for (query, referrer, known), path, (device, country) in itertools.product(
        ARRIVALS, PATHS, AROUND
    ):
        text = "&".join(f"{name}={quote(value)}" for name, value in query.items())
        url = f"https://www.shop.example{quote(path)}?{text}"
        facts = {"host": "shop.example", "path": path, "device": device, **known}
        if country:
            facts["country"] = country
        made.append((Click(url, referrer, {}, "", {}, (), Surroundings(device, country)), facts))
    return made


def test_the_matrix() -> None:
    """Every rule judges every visit as the oracle does; each fits some visits and not others."""
    everyone = visits()
    assert len(everyone) == 200
    seen = set()
    for when in WHENS:
        pool = convert({"id": "p", "account": "a", "when": when}, Pool)
        assert pool.when is not None
        rule = prepare(pool.when)
        for click, facts in everyone:
            expected = oracle(when, facts)
            assert rule.matches(click) is expected, (when, facts)
            assert all(found.met for found in rule.explain(click)) is expected
            seen.add((str(when), expected))
    fitting = sum(expected for _, expected in seen)
    assert fitting > 40


def test_the_first_that_fits() -> None:
    """Of many pools the one with the lowest priority, then id, that the oracle finds to fit."""
    drawn = random.Random(4)
    pools = [
        {"id": f"p{place:02d}", "account": "a", "when": when, "priority": drawn.choice((1, 5, 100))}
        for place, when in enumerate(WHENS)
    ]
    in_file = drawn.sample(pools, len(pools))
    configuration = Configuration(
        accounts=(Account(id="a"),),
        pools=tuple(convert({**pool, "swap_targets": [TARGET]}, Pool) for pool in in_file),
    )
    targets = Snapshot(1, configuration).targets("a")
    ordered = sorted(pools, key=lambda pool: (pool["priority"], pool["id"]))
    given = set()
    for click, facts in visits():
        expected = next((pool["id"] for pool in ordered if oracle(pool["when"], facts)), None)
        found = first_match(targets[TARGET], click)
        assert (found.pool.id if found else None) == expected
        routes = route(targets, click)
        assert [asked.prepared.pool.id for asked in routes.pools] == (
            [expected] if expected else []
        )
        assert routes.unmatched == ([] if expected else [TARGET])
        given.add(expected)
    assert len(given) > 5


def test_rules_that_read_headers_are_known() -> None:
    """So that a remembered answer's key holds what they read, and only for their accounts."""
    text = """
    accounts: [{id: a}, {id: b}]
    pools:
    - {id: p, account: a, parameters: [m], allow_overflow: false, swap_targets: ['+18005550100'],
       when: {device: phone, gclid: abc, msclkid: {present: true}, param.dclid: {prefix: x}}}
    - {id: q, account: b, parameters: [m], allow_overflow: false, swap_targets: ['+18005550101']}
    """
    snapshot = Snapshot(1, config_file.read(text))
    assert snapshot.by_headers == {"a": {"device"}}
    compared = snapshot.rules_of("a").compared
    assert {"gclid", "dclid"} <= compared
    assert "msclkid" not in compared
    assert not snapshot.rules_of("b").compared


@pytest.mark.parametrize("text", ["x", "+1", ",".join(f"+1800555{n:04d}" for n in range(101))])
def test_targets_that_are_none(text: str) -> None:
    """What isn't a number, or too many of them."""
    with pytest.raises(Fault, match="targets"):
        read_targets(text)
