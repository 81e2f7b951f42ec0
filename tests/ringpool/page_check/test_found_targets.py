"""The HTML alone: which numbers would be swapped, judged as the page script judges."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ringpool.page_check import found_targets, places, tag
from ringpool.page_check.found_targets import Found
from ringpool.page_check.look import Look
from ringpool.page_check.tree import read_html
from snippet import bundle
from tests.snippet.conformance import country_cases, number_cases, place_cases
from tests.snippet.conformance.account import Account, Pool
from tests.snippet.conformance.case import Group

GROUPS = (*number_cases.GROUPS, *country_cases.GROUPS, *place_cases.GROUPS)
SOURCES = Path(__file__).parents[3] / "snippet" / "src"
TARGET = "+18005550100"


def judged(html: str, pools: tuple[Pool, ...] = (Pool(TARGET, ""),), attributes: str = "") -> Found:
    """What the HTML alone tells about an account's targets."""
    account = Account("case", list(pools), "key")
    script = bundle.with_settings(account.settings("http://service.example"))
    settings = bundle.settings_in(script)
    assert settings is not None
    page = read_html(html)
    (found,) = tag.tags(
        read_html(f'<script src="/dni.js?account=case" {attributes}></script>'), "http://x.example/"
    )
    look = Look(url="http://x.example/", headers=[], page=page)
    return found_targets.look_for(look, found, found_targets.targets_of(settings))


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.title)
def test_judges_as_the_script_does(group: Group) -> None:
    """It says "swapped" in just those cases of the conformance suite's data that are."""
    for case in group.cases:
        found = judged(f"<section>{case.html}</section>", group.pools, group.tag)
        swapped = any(target.swapped for target in found.targets)
        assert swapped == (case.expected not in (None, case.html)), case.name


def test_knows_the_attributes_and_elements_of_the_script() -> None:
    """The lists of attributes and of elements inside a line are those of the script's source."""
    spoken = set(bundle.DEFAULTS["spoken"].split(","))
    assert spoken - {""} == places.ATTRIBUTES - {"xlink:href"}
    skipped = (SOURCES / "page" / "skipped.js").read_text("utf-8")
    assert f"[{places.NOSWAP}]" in skipped
    assert all(name in skipped for name in places.UNREAD)
    inline = bundle.INLINE.removeprefix("^(#.+|").removesuffix(")$")
    for name in inline.replace("su[bp]", "sub|sup").replace("bd[io]", "bdi|bdo").split("|"):
        assert places.INLINE.fullmatch(name), name


@pytest.mark.parametrize(
    ("html", "kind", "message"),
    [
        ("<p data-rp-noswap>Call <b>@</b></p>", "owner", "data-rp-noswap"),
        ("<p contenteditable>@</p>", "visitor", "contenteditable"),
        ("<textarea>@</textarea>", "visitor", "<textarea>"),
        ("<input value='@'>", "visitor", "visitors type"),
        ("<script>var phone = '@'</script>", "data", "<script>"),
        ("<style>p::after { content: '@' }</style>", "data", "<style>"),
        ("<noscript>@</noscript>", "data", "<noscript>"),
        ("<template><p>@</p></template>", "data", "<template>"),
        ("<script type='application/ld+json'>{'telephone': '@'}</script>", "data", "data-jsonld"),
        ("<p data-phone='@'>Call</p>", "data", "data-phone"),
        ("<meta name=description content='Call @'>", "data", "content"),
        ("<p>SKU@</p>", "other", "part of something longer"),
    ],
)
def test_a_place_that_is_left_alone_has_its_reason(html: str, kind: str, message: str) -> None:
    """It counts as found and not as swapped, and the reason names the cause."""
    (target,) = judged(html.replace("@", "800-555-0100")).targets
    assert (target.found, target.swapped) == (1, 0)
    assert target.refused[0].reason.kind == kind
    assert message in target.refused[0].reason.message
    assert "800-555-0100" in target.refused[0].text


def test_jsonld_is_swapped_where_the_tag_says_so() -> None:
    """With data-jsonld a number in JSON-LD is one of the page's."""
    html = '<script type="application/ld+json">{"telephone": "800-555-0100"}</script>'
    assert judged(html, attributes="data-jsonld").targets[0].swapped == 1


def test_data_targets_leave_the_others_out() -> None:
    """A target that the tag doesn't name stays, and the owner has said so."""
    found = judged("<p>800-555-0100</p>", attributes='data-targets="+18005550177"')
    assert found.targets[0].refused[0].reason.kind == "owner"


def test_other_phone_numbers_are_named() -> None:
    """A printed number that no pool replaces is told, so that a typing error shows."""
    assert judged("<p>Call (888) 869-5345, order 4711-0815</p>").others == ["+18888695345"]


def test_any_page_is_read() -> None:
    """Unclosed, crossed and deeply nested tags, and a form that hides its own properties."""
    soup = "<div>" * 2_000 + "<b><i>800-555-0100</b></i>" + "</p></table><li>" * 50
    assert judged(soup).targets[0].swapped == 1
    assert judged("<form><input name=childNodes>800-555-0100").targets[0].swapped == 1
    assert judged("<p title='800-555-0100' title=x>").targets[0].swapped == 1


def test_hostile_text_takes_no_longer_than_its_length() -> None:
    """Two megabytes that look like numbers over and over are judged within seconds."""
    started = time.process_time()
    for text in ("800-555-0100 ", "800-555-010", "(((800", "+1 (8", "8 0 0 ", "a@", "/8"):
        judged(f"<p>{text * (300_000 // len(text))}</p>")
    assert time.process_time() - started < 20
