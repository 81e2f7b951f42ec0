"""Numbers that come or change after the first swap."""

from __future__ import annotations

from tests.snippet.conformance.site import Site


def test_added_element(site: Site) -> None:
    """A number in an element added later is swapped."""
    view = site.open("<p>Hello</p>")
    view.run("document.querySelector('main').innerHTML = '<p>Call 800-555-0100</p>'")
    view.shows("Call 888-869-5345")
