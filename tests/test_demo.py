"""The demo as a newcomer meets it: `ringpool serve --demo`, its page in a real browser."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest
from playwright.async_api import Browser, Page, Route, async_playwright, expect

from api.app import routes
from api.demo_pages.routes import demo_routes
from ringpool.demo.entities import (
    ACCOUNT,
    PLACEMENTS,
    TOO_SMALL,
    demo_configuration,
    printed_number,
)
from ringpool.numbers import phone
from tests.servers.service import RINGPOOL, Service, environment, serving
from tests.snippet.engines import chromium
from tests.snippet.engines.available import required

pytestmark = pytest.mark.timeout(300)

LAST_LINE = "Number API"
POOLS = {pool.id: pool for pool in demo_configuration("http://127.0.0.1:8000").pools}
PRINTED = phone.national(printed_number(PLACEMENTS))
PATIENT_MS = 30_000
OURS = re.compile(r"\(888\) 555-01\d\d")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One demo for all tests of this module that don't stop it."""
    with serving(tmp_path_factory.mktemp("demo"), "--demo", last_line=LAST_LINE) as service:
        yield service


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium."""
    required(chromium.NAME)
    expect.set_options(timeout=PATIENT_MS)  # machines under test are busy
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(**chromium.options())
        yield started
        await started.close()


async def patient(route: Route) -> None:
    """The page with a script that waits longer than a visitor should for a busy machine."""
    answer = await route.fetch()
    tag = f'data-timeout="{PATIENT_MS}" data-account='
    await route.fulfill(response=answer, body=(await answer.text()).replace("data-account=", tag))


async def visit(browser: Browser, url: str, *, javascript: bool = True) -> Page:
    """Open a page as a new visitor."""
    context = await browser.new_context(java_script_enabled=javascript)
    page = await context.new_page()
    page.set_default_timeout(PATIENT_MS)
    await page.route(re.compile("/demo(/overflow)?([?]|$)"), patient)
    await page.goto(url)
    return page


async def swapped(browser: Browser, url: str) -> str:
    """The number on the page's button once it isn't the printed one."""
    page = await visit(browser, url)
    button = page.locator("a.call")
    target = printed_number(TOO_SMALL if "/overflow" in url else PLACEMENTS)
    await expect(button).not_to_contain_text(phone.national(target))
    text = await button.inner_text()
    await page.context.close()
    return text.removeprefix("Call ")


async def test_page_before_and_after(demo: Service, browser: Browser, tmp_path: Path) -> None:
    """Header, button and footer show one number of the pool, and call it; before, the printed."""
    url = f"{demo.url}/demo?website=shot&location=header"
    places = ("header .phone", "a.call", "footer a[href^=tel]")

    before = await visit(browser, url, javascript=False)
    for place in places:
        await expect(before.locator(place)).to_contain_text(PRINTED)
    first = await before.screenshot(path=tmp_path / "before.png")

    after = await visit(browser, url)
    for place in places:
        await expect(after.locator(place)).to_contain_text(OURS)
    shown = {OURS.findall(await after.locator(place).inner_text())[0] for place in places}
    linked = {await after.locator(place).get_attribute("href") for place in places}
    assert len(shown) == 1
    assert linked == {"tel:" + phone.parse(f"+1 {number}") for number in shown}
    assert PRINTED not in await after.locator("header, .hero, footer").all_inner_texts()
    assert await after.screenshot(path=tmp_path / "after.png") != first


async def test_visitors_have_numbers_of_their_own(demo: Service, browser: Browser) -> None:
    """Another website, another number; the first one again, its own number again."""
    first, second, again = [
        await swapped(browser, f"{demo.url}/demo?website={name}&location=header")
        for name in ("one", "two", "one")
    ]
    assert first != second
    assert again == first


async def test_small_pool_overflows(demo: Service, browser: Browser) -> None:
    """Two campaigns get the two numbers, the third the overflow number."""
    shown = [
        phone.parse("+1 " + await swapped(browser, f"{demo.url}/demo/overflow?campaign={name}"))
        for name in ("spring", "summer", "autumn")
    ]
    assert set(shown[:2]) == set(POOLS[TOO_SMALL].numbers)
    assert shown[2] == POOLS[TOO_SMALL].overflow_number


async def test_the_panel_shows_what_was_swapped(demo: Service, browser: Browser) -> None:
    """It names printed number, shown number, state and pool."""
    page = await visit(browser, f"{demo.url}/demo?website=panel&location=header")
    row = page.locator("#swaps tr", has_text=PLACEMENTS)
    await expect(row).to_contain_text(PRINTED)
    await expect(row).to_contain_text(OURS)
    await expect(row).to_contain_text("held")
    await expect(page.locator("#visit")).to_have_text(
        "website=panel · location=header · path=/demo"
    )


async def test_printed_addresses_lead_somewhere(demo: Service, browser: Browser) -> None:
    """Landing page, overflow page, tracking link and curl line work as they are printed."""
    landing, overflow, tracking, number_api = demo.printed[-4:]
    assert OURS.fullmatch(await swapped(browser, landing.split()[-1]))
    assert "(8" in await swapped(browser, overflow.split()[-1])
    page = await visit(browser, tracking.split()[-1])
    arrived = urlsplit(page.url)
    given = parse_qs(arrived.query)["rp_number"][0]
    assert arrived.path == "/demo"
    await expect(page.locator("a.call")).to_contain_text(phone.national(given))
    with urlopen(number_api.split("'")[1]) as answer:
        assert json.load(answer)["number"] in POOLS[PLACEMENTS].numbers


def test_restart_keeps_data(tmp_path: Path) -> None:
    """Stopped and started again, the demo gives everybody the number they had."""

    def ask() -> dict[str, str]:
        with serving(tmp_path, "--demo", last_line=LAST_LINE) as service:
            page = "http%3A//127.0.0.1/demo%3Fwebsite%3Dkept"
            query = f"account={ACCOUNT}&url={page}&targets={printed_number(PLACEMENTS)[1:]}"
            with urlopen(f"{service.url}/v1/swap?{query}") as answer:
                swap: dict[str, str] = json.load(answer)["swaps"][0]
                return swap

    first, second = ask(), ask()
    assert first["state"] == "new"
    assert second["state"] == "held"
    assert second["number"] == first["number"]
    assert second["guaranteed_until"] == first["guaranteed_until"]


def test_tag_is_the_one_the_command_prints(tmp_path: Path) -> None:
    """The page carries, and shows, the tag that `ringpool snippet` prints."""
    with serving(tmp_path, "--demo", last_line=LAST_LINE) as service:
        with urlopen(f"{service.url}/demo") as answer:
            page = answer.read().decode()
        tag = subprocess.run(
            [RINGPOOL, "snippet", ACCOUNT],
            cwd=tmp_path,
            env={**environment(), "RINGPOOL_PUBLIC_URL": service.url},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout.strip()
    assert page.count(tag) == 1
    assert page.count(tag.replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")) == 1


def test_pages_are_mounted_by_the_demo_alone() -> None:
    """Without --demo there is no path of the demo's."""
    assert not {route.path for route in routes()} & {route.path for route in demo_routes()}
