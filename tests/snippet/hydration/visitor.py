"""A visitor who is faster than the page's framework, and what must be left of it all.

Pages have ``#plain``, ``#mixed``, ``#link``, ``#field`` and ``#more``, perhaps ``#slow``, and set
``hydrated`` once their framework has taken them over.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.snippet.conformance.site import NEW
from tests.snippet.conformance.view import View

BEFORE_PAGE = """
window.faults = [];
for (const name of ['error', 'warn']) {
  const { [name]: original } = console;
  console[name] = (...parts) => {
    faults.push(parts.join(' '));
    original(...parts);
  };
}
addEventListener('error', event => faults.push(event.message));
addEventListener('unhandledrejection', event => faults.push(String(event.reason)));
window.painted = { plain: [], mixed: [], link: [], slow: [] };
const look = () => {
  for (const [id, texts] of Object.entries(painted)) {
    const text = document.querySelector('#' + id)?.textContent;
    if (text && text != texts.at(-1)) texts.push(text);
  }
  requestAnimationFrame(look);
};
look();
"""
"""Notes what the page's scripts complain about, and each text that is drawn, in their order."""

_KEPT = "() => [kept == field, kept.isConnected, document.activeElement == kept, kept.value]"


def types(view: View) -> None:
    """The visitor writes something before the page is hydrated."""
    view.shows("more", "#more").click("#field").type("Jane")
    view.run("() => { window.kept = field }")


def finds_all_well(view: View, *more: str, faults: Sequence[str] = ()) -> None:
    """The number is swapped everywhere, once; nothing was mended, and nothing lost.

    ``more``: selectors of what comes later. ``faults``: complaints that are expected.
    """
    view.becomes(True, "() => window.hydrated")
    view.shows(f"Call {NEW} now", "#plain")
    view.shows(f"Clicked 0 times, call {NEW} now", "#mixed")
    view.becomes(
        ["tel:+18888695345", f"Call {NEW}", NEW],
        "() => [link.getAttribute('href'), link.title, link.textContent]",
    )
    for selector in more:
        view.shows(f"Later: call {NEW}", selector)
    view.becomes(f"Your name, or call {NEW}", "() => field.ariaLabel")
    assert view.run(_KEPT) == [True, True, True, "Jane"]
    view.click("#more")
    view.shows(f"Clicked 1 times, call {NEW} now", "#mixed")
    view.settles()
    for texts in view.run("() => Object.values(painted)"):
        assert texts == sorted(texts, key=lambda text: NEW in text), "flickers"
    assert view.run("() => faults") == [*faults]
