"""What a look at a page brings back, whoever looked."""

from __future__ import annotations

from msgspec import Struct

from ringpool.page_check.tree import Element

TIMEOUT_S = 20
"""How long a page or the service may take to answer."""

LARGEST = 20_000_000
"""Bytes of a page or script that are read."""


class CannotLook(Exception):
    """The page can't be had; the message is one line that says why."""


class Look(Struct, frozen=True, kw_only=True):
    """A page as it was found.

    ``url``: where it is, after redirects. ``page``: its elements, with the numbers that the site
    prints. ``swapped``: the same elements as the script left them in a test run, None where nobody
    ran it. ``headers``: of the answer, names in lower case. ``browser``: who looked, "" for the
    HTML alone. ``ran``: whether the page script started. ``complaints``: what the browser wrote to
    its console, and requests that failed, about the script. ``requested``: addresses that were
    loaded. ``consent``: the page's Google Consent Mode, name to state.
    """

    url: str
    headers: list[tuple[str, str]]
    page: Element
    swapped: Element | None = None
    browser: str = ""
    ran: bool = False
    complaints: tuple[str, ...] = ()
    requested: tuple[str, ...] = ()
    consent: dict[str, str] = {}
