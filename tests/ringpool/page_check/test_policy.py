"""What a Content Security Policy lets in, as browsers read it."""

from __future__ import annotations

import pytest

from ringpool.page_check import policy, tag
from ringpool.page_check.tag import Tag
from ringpool.page_check.tree import read_html

PAGE = "https://www.shop.example/landing"
SERVICE = "https://numbers.example"


def tag_with(attributes: str = "", src: str = f"{SERVICE}/dni.js?account=a") -> Tag:
    """The tag of a page, with more attributes."""
    (found,) = tag.tags(read_html(f'<script src="{src}" {attributes}></script>'), PAGE)
    return found


def verdict(text: str, found: Tag | None = None) -> list[tuple[str, str]]:
    """Level and message of each finding about a page with that policy."""
    headers = [("content-security-policy", text)]
    policies = policy.policies(headers, read_html(""))
    return [(f.level, f.message) for f in policy.check(policies, found or tag_with(), PAGE)]


@pytest.mark.parametrize(
    "text",
    [
        "script-src https://numbers.example; connect-src https://numbers.example",
        "script-src https:; connect-src *",
        "script-src numbers.example; connect-src *.example",
        "default-src numbers.example:443",
        "default-src https://numbers.example/dni.js https://numbers.example/v1/",
        "script-src 'none'; script-src-elem *; connect-src http://numbers.example",
        "img-src 'none'",
        "DEFAULT-SRC https://NUMBERS.example",
    ],
)
def test_lets_the_script_in(text: str) -> None:
    """A source with scheme, host or both, a wildcard, a fallback directive, or none at all."""
    assert [level for level, _ in verdict(text)] == ["ok"]


@pytest.mark.parametrize(
    "text",
    [
        "script-src 'self'",
        "script-src 'none'",
        "default-src 'self' https://other.example",
        "script-src http://numbers.example:8080",
        "script-src https://numbers.example/other/",
        "script-src 'strict-dynamic' https://numbers.example",
        "script-src 'nonce-abc'",
        "script-src *.numbers.example",
        "script-src *, script-src 'self'",
    ],
)
def test_keeps_the_script_out(text: str) -> None:
    """It is a failure that names the directive and what to add."""
    findings = verdict(text)
    assert findings[0][0] == "fail"
    assert "script-src" in findings[0][1]
    assert SERVICE in findings[0][1]


def test_nonces_and_hashes() -> None:
    """The page's nonce lets the tag in, and so does the hash of its integrity attribute."""
    nonce = "script-src 'nonce-AbC' 'strict-dynamic'; connect-src *"
    assert verdict(nonce, tag_with('nonce="AbC"'))[0][0] == "ok"
    assert verdict(nonce, tag_with('nonce="abc"'))[0][0] == "fail"
    assert "nonce" in verdict(nonce)[0][1]
    hashed = "script-src 'sha384-AAAA'; connect-src *"
    assert verdict(hashed, tag_with('integrity="sha384-AAAA"'))[0][0] == "ok"


def test_asking_the_service() -> None:
    """Without connect-src for it the script uses JSONP, if script-src and Trusted Types let it."""
    closed = "script-src https://numbers.example; connect-src 'self'"
    assert [level for level, _ in verdict(closed)] == ["warn"]
    typed = closed + "; require-trusted-types-for 'script'; trusted-types"
    assert [level for level, _ in verdict(typed + " ringpool")] == ["warn"]
    assert [level for level, _ in verdict(typed + " other")] == ["fail"]
    by_hash = "script-src 'sha384-AAAA'; connect-src 'self'"
    assert verdict(by_hash, tag_with('integrity="sha384-AAAA"'))[0][0] == "fail"


def test_from_the_sites_own_domain() -> None:
    """'self' lets in what the site's own proxy serves."""
    assert verdict("default-src 'self'", tag_with(src="/n/dni.js?account=a"))[0][0] == "ok"


def test_a_policy_in_the_page_counts() -> None:
    """A <meta> policy holds beside that of the header; a report-only one doesn't."""
    page = read_html("<meta http-equiv=Content-Security-Policy content=\"script-src 'none'\">")
    both = policy.policies([("content-security-policy", "img-src *")], page)
    assert len(both) == 2
    assert [f.level for f in policy.check(both, tag_with(), PAGE)] == ["fail"]
    headers = [("content-security-policy-report-only", "script-src 'none'")]
    assert policy.policies(headers, read_html("")) == []
