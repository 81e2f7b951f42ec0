"""The built browser script as bytes: pinned by its hash, or with an account's settings inside.

``GET /dni/{VERSION}/dni.js`` answers ``SOURCE`` and ``GET /dni/{VERSION}/dni-debug.js`` answers
``DEBUG_SOURCE``, both immutable; ``GET /dni.js?account=`` answers ``with_settings(…)``.

Settings are what ``Settings`` in ``src/types.d.ts`` describes, as plain values that JSON knows:
``a`` the account, ``e`` the service's URL, ``k`` the public key, ``t`` the targets, ``q``
parameters, ``d`` domains, ``o`` defaults of the tag's attributes. Added to them here are ``i``, the
milliseconds between two pings, and ``v``, the version.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

_NO_SETTINGS = b"(null);"
"""How the built script ends: a function that is called with the settings, here without any."""

SHORTEST_PING_MS = 5_000
"""A page never pings more often, however short a pool holds a number. Otherwise it pings twice in
the shortest ``hold_on_activity``."""

IDLE_PING_MS = 30_000
"""How often a page whose pools hold no number on activity checks whether there is anything to ping
for."""

DEFAULTS = {"timeout": "1500", "days": "30", "cookies": ""}
"""The ``data-`` attributes that always have a value, named as in JavaScript's ``dataset``."""

_dist = files("snippet") / "dist"

SOURCE = (_dist / "dni.js").read_bytes()
"""The script without settings, ASCII."""

DEBUG_SOURCE = (_dist / "dni-debug.js").read_bytes()
"""What ``SOURCE`` loads from its own folder for ``?rp_test=1`` and ``data-debug``."""

VERSION = hashlib.sha256(SOURCE + DEBUG_SOURCE).hexdigest()[:12]
"""Changes whenever the built files do, so that their URLs can be cached for ever."""

INTEGRITY = "sha384-" + base64.b64encode(hashlib.sha384(SOURCE).digest()).decode()
"""For the ``integrity`` attribute of a tag that loads ``/dni/{VERSION}/dni.js``."""


def with_settings(settings: Mapping[str, Any]) -> bytes:
    """The script with ``settings`` inside: ASCII, to be answered as JavaScript."""
    return SOURCE.removesuffix(_NO_SETTINGS) + b"(" + _javascript(_completed(settings)) + b");"


def settings_in(script: bytes) -> dict[str, Any] | None:
    """The settings in a script that ``with_settings`` made, in any version; None in any other."""
    at = script.rfind(b'({"')
    try:
        settings = json.loads(script[at + 1 :].rstrip().removesuffix(b";").removesuffix(b")"))
    except ValueError:
        return None
    return settings if isinstance(settings, dict) and "t" in settings else None


def pinned_settings(settings: Mapping[str, Any]) -> str:
    """The value of ``data-settings`` for a tag that loads the pinned URL; escape it as HTML."""
    return json.dumps(_completed(settings), separators=(",", ":"))


def _completed(settings: Mapping[str, Any]) -> dict[str, Any]:
    targets = settings.get("t", ())
    return {
        **settings,
        "t": [{**target, "f": _with_all_writings(target["f"])} for target in targets],
        "o": DEFAULTS | settings.get("o", {}),
        "i": _ping_ms(target["hold"] for target in targets if target.get("hold")),
        "v": VERSION,
    }


def _with_all_writings(plan: Mapping[str, Any]) -> dict[str, Any]:
    """The national digits are a writing, too: the first one."""
    return {**plan, "w": [plan["n"], *plan.get("w", ())]}


def _ping_ms(holds_ms: Iterable[int]) -> int:
    shortest = min(holds_ms, default=2 * IDLE_PING_MS)
    return max(SHORTEST_PING_MS, shortest // 2)


def _javascript(value: object) -> bytes:
    """JSON that is also safe as a JavaScript expression, inside ``<script>`` too."""
    text = json.dumps(value, separators=(",", ":"))  # escapes all but ASCII, U+2028 too
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode("ascii")
