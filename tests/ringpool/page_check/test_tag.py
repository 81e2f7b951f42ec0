"""The tag on a page: found, read, and its attributes checked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ringpool.page_check import tag
from ringpool.page_check.tree import read_html

MANUAL = Path(__file__).parents[3] / "snippet" / "README.md"
PAGE = "https://www.shop.example/a/page"
SRC = "https://numbers.example/dni.js?account=shop"


def read(html: str, url: str = PAGE) -> tag.Tag:
    """The one tag of a page."""
    (found,) = tag.tags(read_html(html), url)
    return found


def findings(attributes: str, src: str = SRC, page: str = PAGE) -> list[tuple[str, str]]:
    """Level and message of what is said about a tag."""
    found = read(f'<script async src="{src}" {attributes}></script>', page)
    return [(f.level, f.message) for f in tag.check(found, page, ["+18005550100"])]


def test_where_a_tag_loads_from() -> None:
    """In full, by a relative address and <base>, with the service's folder and the account."""
    assert read(f'<script src="{SRC}"></script>').endpoint == "https://numbers.example"
    proxied = read('<script src="/n/dni.js?account=shop"></script>')
    assert (proxied.endpoint, proxied.account) == ("https://www.shop.example/n", "shop")
    based = read('<base href="https://cdn.example/x/"><script src="dni.js?account=a"></script>')
    assert based.endpoint == "https://cdn.example/x"
    own = read(f'<script src="{SRC}" data-endpoint="https://e.example/" data-account=b></script>')
    assert (own.endpoint, own.account) == ("https://e.example", "b")


def test_a_pinned_tag() -> None:
    """Its version, account and settings are read."""
    found = read(
        '<script src="https://n.example/dni/abc123/dni.js" integrity="sha384-x" data-account=shop '
        'data-settings="{&quot;t&quot;:[]}"></script>'
    )
    assert (found.version, found.endpoint, found.account) == ("abc123", "https://n.example", "shop")
    assert found.settings == {"t": []}
    assert list(tag.check(found, PAGE, [])) == []


def test_attributes_in_the_address() -> None:
    """The address may carry what a tag manager would drop; the tag's own attributes win."""
    found = read(f'<script src="{SRC}&data-jsonld&data-days=1" data-days=2></script>')
    assert (found.option("jsonld"), found.option("days"), found.account) == ("", "2", "shop")


def test_other_scripts_are_none() -> None:
    """A script of another name, an inline one, and an address that is none."""
    html = '<script src="/admin.js"></script><script>dni.js</script><script src="//[/dni.js">'
    assert tag.tags(read_html(html), PAGE) == []


def test_known_attributes_are_the_manuals() -> None:
    """The list is that of the table in the manual."""
    table = MANUAL.read_text("utf-8").partition("## Attributes of the tag")[2].partition("\n##")[0]
    rows = re.findall(r"^\| (`data-[^|]+) \|", table, re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`data-([a-z-]+)`", row)}
    assert documented == set(tag.KNOWN)


@pytest.mark.parametrize(
    ("attributes", "level", "message"),
    [
        ("data-target=+18005550100", "warn", "data-targets?"),
        ("data-timeout=1s", "fail", "data-timeout"),
        ("data-format=nice", "fail", "data-format"),
        ("data-consent=yes", "warn", "data-consent"),
        ("data-targets=800-555-0100", "fail", "data-targets"),
        ("data-targets='+1 800 555 0100'", "fail", "+18005550100"),
        ("data-targets=+18005550177", "fail", "+18005550177"),
        ("type=text/plain", "warn", "text/plain"),
        ("integrity=sha384-x", "fail", "pinned"),
    ],
)
def test_a_wrong_attribute_is_named(attributes: str, level: str, message: str) -> None:
    """Each with what is wrong about it, and nothing else is said."""
    ((found_level, found_message),) = findings(attributes)
    assert found_level == level
    assert message in found_message


def test_right_attributes_are_nothing_to_say() -> None:
    """Those of the manual with values that it allows."""
    right = "data-targets=+18005550100 data-timeout=900 data-consent=required data-format=e164"
    assert findings(f"{right} data-cfasync=false crossorigin") == []


def test_a_tag_without_https_on_a_page_with_it() -> None:
    """Browsers block it."""
    ((level, message),) = findings("", SRC.replace("https", "http"))
    assert level == "fail"
    assert "https" in message


def test_a_pinned_tag_lacks_something() -> None:
    """No settings is a failure, no integrity a warning."""
    found = findings("", "https://n.example/dni/abc/dni.js")
    assert [level for level, _ in found] == ["fail", "warn"]
