"""Numbers that arrive signed in the page's address, and links that go out."""

from __future__ import annotations

import pytest

from ringpool.security.signing import Signer
from tests.snippet.conformance.account import Pool
from tests.snippet.conformance.site import NEW, NUMBER, OLD, PLAIN_HTTP, SERVICE, SHOP, TARGET, Site

SIGNED = "877-700-4321"
SIGNED_NUMBER = "+18777004321"
EVIL_NUMBER, EVIL = "+19005551234", "900-555-1234"


def test_valid(site: Site) -> None:
    """A signed number is shown without any round trip."""
    view = site.open(f"<p>{OLD}</p>", query=site.tracking_query(SIGNED_NUMBER)).shows(SIGNED)
    view.settles()
    assert site.account.calls == []


def test_valid_in_a_link(site: Site) -> None:
    """It is dialled too."""
    view = site.open(
        '<a id=it href="tel:8005550100">a</a>', query=site.tracking_query(SIGNED_NUMBER)
    )
    view.becomes("tel:" + SIGNED_NUMBER, "() => it.getAttribute('href')")


def test_valid_beside_another_pool(site: Site) -> None:
    """A target of another pool is asked for as ever."""
    site.offers(Pool(TARGET, NUMBER), Pool("+18005550177", NUMBER, id="support"))
    query = site.tracking_query(SIGNED_NUMBER)
    site.open(f"<p>{OLD} 800-555-0177</p>", query=query).shows(f"{SIGNED} {NEW}").settles()
    assert site.account.asked() == ["+18005550177"]


def test_valid_of_a_pool_without_targets(site: Site) -> None:
    """A signed number of the account's pool without targets replaces all that stand there."""
    site.offers(Pool(TARGET, NUMBER), Pool("+18005550177", NUMBER, id="support"))
    site.account.link_pools = ("campaign",)
    query = site.tracking_query(SIGNED_NUMBER, "campaign")
    view = site.open(f"<p>{OLD} 800-555-0177</p>", query=query).shows(f"{SIGNED} {SIGNED}")
    view.settles()
    assert site.account.calls == []


def test_next_page(site: Site) -> None:
    """The visit's next page shows the signed number as well, without asking."""
    view = site.open(f"<p>{OLD}</p>", query=site.tracking_query(SIGNED_NUMBER)).shows(SIGNED)
    path = site.serve(f"<p>Tel. {OLD}</p>", path="/next")
    view.goes_to(site.at(path))
    view.shows(f"Tel. {SIGNED}").settles()
    assert site.account.calls == []


HOSTILE = {
    "without a signature": {"rp_sig": None},
    "without anything but the number": {"rp_sig": None, "rp_exp": None, "rp_pool": None},
    "with an empty signature": {"rp_sig": ""},
    "with a signature of zeros": {"rp_sig": "A" * 86},
    "with a signature that is no base64": {"rp_sig": "%%%\u00e9<script>"},
    "with half a signature": {"rp_sig": "AAAA"},
    "with another number than was signed": {"rp_number": EVIL_NUMBER},
    "with a later expiry than was signed": {"rp_exp": "4102444800"},
    "with an expiry that is no number": {"rp_exp": "never"},
    "with an endless expiry": {"rp_exp": "Infinity"},
    "with another pool than was signed": {"rp_pool": "support"},
    "with a pool that isn't the account's": {"rp_pool": "elsewhere"},
    "with an empty number": {"rp_number": ""},
    "with markup for a number": {"rp_number": "<img src=x onerror=alert(1)>"},
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile(site: Site, what: str) -> None:
    """A number in the address {what} is never shown: the service is asked."""
    site.offers(Pool(TARGET, NUMBER), Pool("+18005550177", NUMBER, id="support"))
    query = {**site.tracking_query(SIGNED_NUMBER), **HOSTILE[what]}
    view = site.open(f"<p>{OLD}</p>", query={k: v for k, v in query.items() if v is not None})
    view.shows(NEW).keeps(NEW)
    assert site.account.asked() == [TARGET]


def test_other_signer(site: Site) -> None:
    """A number signed by somebody else is never shown."""
    query = site.tracking_query(EVIL_NUMBER, by=Signer.generate())
    site.open(f"<p>{OLD}</p>", query=query).shows(NEW).keeps(NEW)
    assert site.account.asked() == [TARGET]


def test_expired(site: Site) -> None:
    """A signed number whose time is over is never shown."""
    site.open(f"<p>{OLD}</p>", query=site.tracking_query(SIGNED_NUMBER, lives=-1)).shows(NEW)
    assert site.account.asked() == [TARGET]


def test_signed_for_another_account(site: Site) -> None:
    """A number signed for a pool that isn't this account's changes nothing."""
    query = site.tracking_query(SIGNED_NUMBER, "elsewhere")
    site.open(f"<p>{OLD}</p>", query=query).shows(NEW).keeps(NEW)


def test_hostile_while_the_service_is_down(site: Site) -> None:
    """With the service down a number that doesn't verify isn't shown either."""
    site.account.behaviour = "500"
    query = site.tracking_query(EVIL_NUMBER, by=Signer.generate())
    site.open(f"<p>{OLD}</p>", query=query).keeps(OLD)


def test_given_twice(site: Site) -> None:
    """A second rp_number in the address doesn't slip in beside the signed one."""
    query = site.tracking_query(SIGNED_NUMBER)
    text = "&".join([f"rp_number=%2B{EVIL_NUMBER[1:]}"] + [f"{k}={v}" for k, v in query.items()])
    view = site.open(f"<p>{OLD}</p>", query=text.replace("=+", "=%2B")).settles().settles()
    assert EVIL not in view.text()


def test_key_of_the_tag(site: Site) -> None:
    """data-key is the key that counts when the script carries none."""
    key, site.account.key = site.account.key, ""
    tag = site.tag(f'data-key="{key}"')
    site.open(f"<p>{OLD}</p>", tag=tag, query=site.tracking_query(SIGNED_NUMBER)).shows(SIGNED)
    assert site.account.calls == []


def test_without_webcrypto(site: Site) -> None:
    """On a page without WebCrypto the service confirms the signed number; none is asked for."""
    query = site.tracking_query(SIGNED_NUMBER)
    view = site.open(f"<p>{OLD}</p>", query=query, host=PLAIN_HTTP).shows(SIGNED)
    view.settles()
    assert site.account.calls == []
    assert site.service.verifications.count(query["rp_sig"]) == 1


def test_hostile_without_webcrypto(site: Site) -> None:
    """There too, what the service doesn't confirm is never shown."""
    query = site.tracking_query(EVIL_NUMBER, by=Signer.generate())
    site.open(f"<p>{OLD}</p>", query=query, host=PLAIN_HTTP).shows(NEW).keeps(NEW)
    assert site.account.asked() == [TARGET]
    assert query["rp_sig"] in site.service.verifications


def test_unconfirmed_without_webcrypto(site: Site) -> None:
    """A service that takes too long to confirm confirms nothing: it is asked for a number."""
    site.service.verifies = False
    query = site.tracking_query(SIGNED_NUMBER)
    tag = site.tag("data-timeout=2000")
    try:
        site.open(f"<p>{OLD}</p>", query=query, host=PLAIN_HTTP, tag=tag).shows(NEW)
    finally:
        site.service.verifies = True


def test_link_completed(site: Site) -> None:
    """A tracking link gets what the page knows and the link lacks."""
    link = site.service.at(SERVICE, "/t/main?location=footer")
    view = site.open(
        f'<a id=it href="{link}">Offer</a><p>{OLD}</p>',
        path="/offers/one",
        query="gclid=abc123&utm_term=blue+shoes&other=x",
    ).shows("Offer" + NEW)
    view.becomes(True, "() => it.href.includes('gclid')")
    params = view.run("() => Object.fromEntries(new URL(it.href).searchParams)")
    assert params["location"] == "footer"
    assert params["gclid"] == "abc123"
    assert params["keyword"] == "blue shoes"
    assert params["path"].endswith("/offers/one")
    assert "other" not in params


def test_link_not_overwritten(site: Site) -> None:
    """Parameters that a tracking link has itself stay."""
    link = site.service.at(SERVICE, "/t/main?gclid=mine&path=theirs")
    view = site.open(f'<a id=it href="{link}">Offer</a><p>{OLD}</p>', query="gclid=abc123")
    view.shows("Offer" + NEW)
    params = view.run("() => [...new URL(it.href).searchParams].filter(p => p[0] != 'referrer')")
    assert params == [["gclid", "mine"], ["path", "theirs"]]


def test_link_with_a_fragment(site: Site) -> None:
    """A tracking link's fragment stays behind its parameters."""
    link = site.service.at(SERVICE, "/t/main#buy")
    view = site.open(f'<a id=it href="{link}">Offer</a><p>{OLD}</p>', query="gclid=abc123")
    view.shows("Offer" + NEW)
    assert view.run(
        "() => [new URL(it.href).hash, new URL(it.href).searchParams.get('gclid')]"
    ) == [
        "#buy",
        "abc123",
    ]


def test_other_links(site: Site) -> None:
    """Links to anywhere else stay as they are."""
    links = ("https://other.example/t/main", "/t/main", "#top", "mailto:a@b.example", "")
    body = "".join(f'<a href="{link}">x</a>' for link in links)
    view = site.open(f"{body}<p>{OLD}</p>", query=site.tracking_query(SIGNED_NUMBER))
    view.shows(SIGNED, "p")
    hrefs = view.run("() => [...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
    assert hrefs == list(links)


def test_across_domains(site: Site) -> None:
    """A link to another of the account's domains carries the signed number; others don't."""
    site.account.domains = (f"{PLAIN_HTTP}:{site.service.port}",)
    landing = site.service.at(PLAIN_HTTP, "/landing?a=1")
    query = site.tracking_query(SIGNED_NUMBER)
    view = site.open(
        f'<a id=it href="{landing}">x</a><a id=not href="https://x.example/">y</a><p>{OLD}</p>',
        query=query,
    ).shows("xy" + SIGNED)
    view.becomes({"a": "1", **query}, "() => Object.fromEntries(new URL(it.href).searchParams)")
    assert view.run("() => document.querySelector('#not').href") == "https://x.example/"


@pytest.mark.parametrize("signed", [False, True])
def test_own_links(site: Site, signed: bool) -> None:
    """Links within the site stay as they are written (the page has a signed number: {signed})."""
    site.account.domains = (f"{SHOP}:{site.service.port}", "other.example")
    links = ("#top", "/about", "next?a=1", site.at("/whole"))
    if not signed:
        links += ("https://other.example", "//other.example/a")
    body = "".join(f'<a href="{link}">x</a>' for link in links)
    query = site.tracking_query(SIGNED_NUMBER) if signed else ""
    view = site.open(f"{body}<p>{OLD}</p>", query=query).shows(SIGNED if signed else NEW, "p")
    hrefs = view.run("() => [...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
    assert hrefs == list(links)


def test_unsigned_not_carried(site: Site) -> None:
    """A number that didn't verify isn't carried to another domain."""
    site.account.domains = (f"{PLAIN_HTTP}:{site.service.port}",)
    landing = site.service.at(PLAIN_HTTP, "/landing")
    query = site.tracking_query(EVIL_NUMBER, by=Signer.generate())
    view = site.open(f'<a id=it href="{landing}">x</a><p>{OLD}</p>', query=query).shows("x" + NEW)
    assert "rp_number" not in view.run("() => it.href")
