"""Three realistic landing pages, with pictures before and after."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.snippet.conformance.account import Pool
from tests.snippet.conformance.service import Page
from tests.snippet.conformance.site import NUMBER, TARGET, Site

PAGES = Path(__file__).parents[1] / "pages"
_TEXT = """() => {
  const host = document.querySelector('hotel-contact');
  const inside = host ? host.shadowRoot.querySelector('b').parentNode.textContent : '';
  const holders = '[aria-label], [title], [placeholder], [type=submit], [type=button]';
  const attributes = [...document.querySelectorAll(holders)].map(e =>
    [e.ariaLabel, e.title, e.placeholder, e.defaultValue].join('|'));
  const links = [...document.querySelectorAll('a')].map(a => a.getAttribute('href'));
  return [document.body.textContent, inside, ...attributes, ...links].join('\\n');
}"""


class Landing(NamedTuple):
    """A page, its pools, and what becomes of each writing, which stands there once."""

    name: str
    pools: tuple[Pool, ...]
    swaps: dict[str, str]


LANDINGS = (
    Landing(
        "plumber",
        (Pool(TARGET, NUMBER),),
        {
            "tel:+18005550100": "tel:+18888695345",
            "tel:8005550100": "tel:+18888695345",
            "Emergency? 1-800-555-0100": "Emergency? 1-888-869-5345",
            "at 800-555-0100|": "at 888-869-5345|",
            "☎ Call (800) 555-0100": "☎ Call (888) 869-5345",
            "(800)\u00a0555-0100": "(888)\u00a0869-5345",
            "800.555.0100 7 days": "888.869.5345 7 days",
            "12: 800-555-0100 ext. 12": "12: 888-869-5345 ext. 12",
            "Tel.800-555-0100,": "Tel.888-869-5345,",
            "$129.001 800 555 0100": "$129.001 888 869 5345",
            "$8,005,550,100+1 800 555 0100": "$8,005,550,100+1 888 869 5345",
            "e.g. 800-555-0100": "e.g. 888-869-5345",
            "Or call 800-555-0100": "Or call 888-869-5345",
            "T: 800-555-0100": "T: 888-869-5345",
        },
    ),
    Landing(
        "dentist",
        (Pool("+442071838750", "+442079460123"),),
        {
            "Fees020 7183 8750": "Fees020 7946 0123",
            "tel:+442071838750": "tel:+442079460123",
            "tel:020%207183%208750": "tel:+442079460123",
            "+44 (0)20 7183 8750": "+44 (0)20 7946 0123",
            "Ring 020 7183 8750": "Ring 020 7946 0123",
            "(020) 7183 8750": "(020) 7946 0123",
            "telephone 020 7183 8750": "telephone 020 7946 0123",
            "020\u20097183\u20098750": "020\u20097946\u20090123",
            "Booking: 020-7183-8750": "Booking: 020-7946-0123",
            "0207 183 8750": "0207 946 0123",
            "Booking: 02071838750": "Booking: 02079460123",
            "0044 20 7183 8750": "0044 20 7946 0123",
            "\n020 7183 8750": "\n020 7946 0123",
            "Tel 020 7183 8750": "Tel 020 7946 0123",
        },
    ),
    Landing(
        "hotel",
        (
            Pool("+4930123456", "+4930987654", id="berlin"),
            Pool(TARGET, NUMBER, id="us"),
        ),
        {
            "030 / 12 34 56": "030 / 98 76 54",
            "1-800-555-0100": "1-888-869-5345",
            "030/123456": "030/987654",
            "tel:+4930123456": "tel:+4930987654",
            "+49 (0)30 123456": "+49 (0)30 987654",
            "(030) 123456,": "(030) 987654,",
            "Telefon 030 123456": "Telefon 030 987654",
            "oder +49 30 123456": "oder +49 30 987654",
            "0049 30 123456": "0049 30 987654",
            "Events: +49 30 123456": "Events: +49 30 987654",
            "US: (800) 555-0100": "US: (888) 869-5345",
        },
    ),
)


@pytest.mark.parametrize("landing", LANDINGS, ids=lambda landing: landing.name)
def test_landing_page(site: Site, landing: Landing, tmp_path: Path) -> None:
    """On the page of a {landing.name} every number is swapped and every other text is as it was."""
    site.offers(*landing.pools)
    source = (PAGES / f"{landing.name}.html").read_text(encoding="utf-8")
    folder = Path(os.environ.get("RINGPOOL_SCREENSHOTS") or tmp_path)
    texts = []
    for when, tag in (("before", ""), ("after", site.tag())):
        path = f"/{site.account.id}/{when}"
        site.service.pages[path] = Page(source.replace("<!-- tag -->", tag).encode())
        view = site.tab().goes_to(site.at(path))
        if tag:
            any_swapped = f"news => news.some(new_ => ({_TEXT})().includes(new_))"
            view.becomes(True, any_swapped, list(landing.swaps.values()))
        texts.append(view.settles().run(_TEXT))
        view.picture(folder / f"{landing.name}-{when}.png", width=1100, height=900)
    before, after = texts
    for old, new in landing.swaps.items():
        assert before.count(old) == 1, old
        before = before.replace(old, new)
    assert after.splitlines() == before.splitlines()
