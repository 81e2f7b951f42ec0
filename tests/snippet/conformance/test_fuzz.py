"""Random pages: every planted number is swapped, and every other byte stays."""

from __future__ import annotations

import os
import random
from typing import NamedTuple

import pytest

from tests.snippet.conformance.account import Pool
from tests.snippet.conformance.site import NUMBER, SUPPORT, SUPPORT_NUMBER, TARGET, Site
from tests.snippet.conformance.view import View

PAGES = int(os.environ.get("RINGPOOL_FUZZ_PAGES", "4"))
"""How many pages are made up: raise it to search for longer. Page n is the same in every run."""

TREES = 40
DEPTH = 4

BLOCKS = ("div", "p", "section", "li", "h2", "td", "article", "blockquote", "dd", "x-card")
INLINES = ("b", "i", "span", "em", "a", "strong", "small", "u", "font", "mark")
WORDS = (
    "call",
    "us",
    "or",
    "write",
    "the shop",
    "open daily",
    "Größe",
    "電話",
    "tel.",
    "fax:",
    "&amp;",
)
KEPT = (
    '<script type="text/plain">{}</script>',
    "<textarea>{}</textarea>",
    '<p contenteditable="true">{}</p>',
    '<p data-rp-noswap="">{}</p>',
    "<!-- {} -->",
    '<i data-x="{}"></i>',
    '<input value="{}">',
)
ATTRIBUTES = (
    '<i title="{}"></i>',
    '<img alt="{}">',
    '<input placeholder="{}">',
    '<b aria-label="{}"></b>',
)
WRITINGS = (
    ("({0}) {1}-{2}"),
    ("{0}-{1}-{2}"),
    ("{0}.{1}.{2}"),
    ("{0} {1} {2}"),
    ("{0}\u00a0{1}\u2011{2}"),
    ("+1 {0} {1} {2}"),
    ("1-{0}-{1}-{2}"),
    ("+1{0}{1}{2}"),
    ("{0}{1}{2}"),
)
SWAPS = ((TARGET, NUMBER), (SUPPORT, SUPPORT_NUMBER))


class Text(NamedTuple):
    """The same piece of a page before and after the swap."""

    before: str
    after: str

    def within(self, template: str) -> Text:
        return Text(template.format(self.before), template.format(self.after))


def same(text: str) -> Text:
    return Text(text, text)


def joined(parts: list[Text]) -> Text:
    return Text("".join(part.before for part in parts), "".join(part.after for part in parts))


class Maker:
    """Makes up markup from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def tree(self, depth: int = DEPTH) -> Text:
        """A block with text, elements, and what must stay."""
        parts: list[Text] = []
        for _ in range(self._random.randint(1, 4)):
            choice = self._random.random()
            if depth and choice < 0.45:
                parts.append(self.tree(depth - 1))
            elif choice < 0.6:
                kept = self._random.choice(KEPT).replace("{}", self._number().before)
                parts.append(same(kept))
            elif choice < 0.7:
                parts.append(self._number().within(self._random.choice(ATTRIBUTES)))
            else:
                parts.append(self._line())
        name = self._random.choice(BLOCKS)
        return joined([same(f"<{name}>"), *parts, same(f"</{name}>")])

    def _line(self) -> Text:
        """Words with numbers and other digits between them, never side by side."""
        parts = [same(self._word() + " ")]
        for _ in range(self._random.randint(1, 4)):
            piece = self._random.choice((self._number, self._spread, self._digits))()
            parts += [piece, same(f" {self._word()} ")]
        line = joined(parts)
        if self._random.random() < 0.3:
            name = self._random.choice(INLINES)
            return joined([same(f"<{name}>"), line, same(f"</{name}>")])
        return line

    def _number(self) -> Text:
        writing = self._random.choice(WRITINGS)
        return Text(*(writing.format(n[2:5], n[5:8], n[8:]) for n in self._random.choice(SWAPS)))

    def _spread(self) -> Text:
        """A number with elements around some of its characters."""
        number = self._number()
        cuts = sorted(self._random.sample(range(1, len(number.before)), 2))
        name = self._random.choice(INLINES)

        def cut(text: str) -> str:
            first, second = cuts
            return f"{text[:first]}<{name}>{text[first:second]}</{name}>{text[second:]}"

        return Text(cut(number.before), cut(number.after))

    def _digits(self) -> Text:
        """Digits that are no target: one digit is off, or they are too many or too few."""
        number = self._number().before
        digits = [place for place, character in enumerate(number) if character.isdigit()]
        place = self._random.choice(digits[1:])
        digit = str((int(number[place]) + self._random.randint(1, 9)) % 10)
        return same(
            self._random.choice(
                (
                    number[:place] + digit + number[place + 1 :],
                    number[:place] + number[place + 1 :],
                    number[:place] + digit + number[place:],
                    str(self._random.randrange(10 ** self._random.randint(1, 18))),
                    f"{self._random.uniform(-180, 180):.7f}",
                    f"${self._random.randrange(10**9):,}",
                )
            )
        )

    def _word(self) -> str:
        return self._random.choice(WORDS)


_MAIN = "() => document.querySelector('main').innerHTML"
_PARSED = "html => new DOMParser().parseFromString(html, 'text/html').body.innerHTML"


def difference(now: str, expected: str) -> tuple[str, str]:
    """Both texts around their first difference."""
    if now == expected:
        return "", ""
    pairs = enumerate(zip(now, expected, strict=False))
    at = next((at for at, (a, b) in pairs if a != b), min(len(now), len(expected)))
    around = slice(max(0, at - 40), at + 40)
    return now[around], expected[around]


def becomes(view: View, expected: str) -> None:
    """Wait until that is the page's markup; an error shows where it stays another."""
    try:
        view.becomes(expected, _MAIN)
    except AssertionError:
        assert difference(view.run(_MAIN), expected) == ("", "")


@pytest.mark.parametrize("seed", range(PAGES))
def test_page(site: Site, seed: int) -> None:
    """Page {seed}: swapped as planted, the same after another swap, as printed after restore."""
    maker = Maker(seed)
    page = joined([maker.tree() for _ in range(TREES)])
    site.offers(Pool(TARGET, NUMBER), Pool(SUPPORT, SUPPORT_NUMBER, id="support"))
    view = site.open("", tag=site.tag()).settles()
    view.run("html => { document.querySelector('main').innerHTML = html }", page.before)
    before, after = view.run(_PARSED, page.before), view.run(_PARSED, page.after)
    becomes(view, after)
    view.run("() => ringpool('swap')")
    assert difference(view.settles().run(_MAIN), after) == ("", "")
    view.run("() => ringpool('restore')")
    becomes(view, before)
    view.run("() => ringpool('swap')")
    becomes(view, after)
