"""The built browser script as bytes: pinned by its hash, or with an account's settings inside.

``GET /dni/{VERSION}/dni.js`` answers ``SOURCE`` and ``GET /dni/{VERSION}/dni-debug.js`` answers
``DEBUG_SOURCE``, both immutable; ``GET /dni.js?account=`` answers ``with_settings(…)``.
"""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from typing import Any

import msgspec
from msgspec import Struct

from ringpool.model import NumberFormat
from ringpool.numbers.plans import Plan

_NO_SETTINGS = b"(null);"
"""How the built script ends: a function called with the settings, here without any."""

SHORTEST_PING_MS = 5_000
"""However short a pool holds a number, a page doesn't ping more often; a ping comes twice in the
shortest ``hold_on_activity`` otherwise."""

MAX_PING_MS_BYTES = 30_000
"""How often a page that holds no number looks whether it does by now."""

DEFAULTS = {"timeout": "1500", "days": "30", "cookies": ""}
"""The ``data-`` attributes that always have a value, named as in ``dataset``."""

_dist = files("snippet") / "dist"

SOURCE = (_dist / "dni.js").read_bytes()
"""The script without settings, ASCII."""

DEBUG_SOURCE = (_dist / "dni-debug.js").read_bytes()
"""What ``SOURCE`` loads from its own folder for ``?rp_test=1`` and ``data-debug``."""

VERSION = hashlib.sha256(SOURCE + DEBUG_SOURCE).hexdigest()[:12]
"""Changes whenever the built files do, so that their URLs can be cached for ever."""

INTEGRITY = "sha384-" + base64.b64encode(hashlib.sha384(SOURCE).digest()).decode()
"""For the ``integrity`` attribute of a tag that loads ``/dni/{VERSION}/dni.js``."""


class TargetSettings(
    Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={"number": "t", "plan": "f", "format": "as", "hold_ms": "hold"},
):
    """One number to look for on pages, and what the page must know of the pool that replaces it.

    ``number``: the target in E.164, as in the pool's ``swap_targets``.
    ``plan``: ``ringpool.number_plans.plan(number)``.
    ``hold_ms``: the pool's ``hold_on_activity``; 0: the page sends no pings and no release.
    ``visitor``: the pool is of type ``visitor``: asked for only with consent to a visitor id.
    ``call``: the pool's ``mobile_click_to_call``: phones get ``tel:`` links.
    """

    number: str
    plan: Plan
    pool: str
    format: NumberFormat = NumberFormat.AS_FOUND
    hold_ms: int = 0
    visitor: bool = False
    call: bool = False


class PageSettings(
    Struct,
    frozen=True,
    kw_only=True,
    rename={
        "account": "a",
        "endpoint": "e",
        "key": "k",
        "targets": "t",
        "params": "q",
        "domains": "d",
        "defaults": "o",
    },
):
    """What ``/dni.js?account=`` tells a page, so that it needs no round trip to know it.

    ``account``: its id. ``endpoint``: the service's public URL without a trailing slash; used only
    when the script can't tell from its own address where it was loaded from (a first-party proxy
    keeps working). ``key``: the public key of tracking links, the raw uncompressed 65-byte P-256
    point in base64url without padding. ``params``: query parameters that make another visit of a
    page URL when they differ: the names of the account's pool parameters (the script itself knows
    the click ids and ``utm_*``). ``domains``: hosts (with port, if any) that outgoing links may
    carry the number to. ``defaults``: values for ``data-`` attributes that the tag lacks, named as
    in JavaScript's ``dataset`` (``{"timeout": "1000", "clickToCall": ""}``).
    """

    account: str
    endpoint: str = ""
    key: str = ""
    targets: tuple[TargetSettings, ...] = ()
    params: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    defaults: dict[str, str] = {}


def with_settings(settings: PageSettings) -> bytes:
    """The script with ``settings`` inside, ASCII, ready to be answered as JavaScript."""
    return SOURCE.removesuffix(_NO_SETTINGS) + b"(" + _javascript(_document(settings)) + b");"


def pinned_settings(settings: PageSettings) -> str:
    """The value of ``data-settings`` for a tag that loads the pinned URL; escape it as HTML."""
    return json.dumps(_document(settings), separators=(",", ":"))


def _document(settings: PageSettings) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(settings)
    for target in document["t"]:
        plan = target["f"]
        plan["w"] = [plan["n"], *plan.get("w", ())]
    shortest = min((target.hold_ms for target in settings.targets if target.hold_ms), default=0)
    return document | {
        "o": DEFAULTS | settings.defaults,
        "i": max(SHORTEST_PING_MS, (shortest or MAX_PING_MS_BYTES * 2) // 2),
        "v": VERSION,
    }


def _javascript(value: object) -> bytes:
    """JSON that is also safe as a JavaScript expression, inside ``<script>`` too."""
    text = json.dumps(value, separators=(",", ":"))  # escapes all but ASCII, U+2028 too
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode("ascii")
