"""What is said to who answers a call: a pool's text, its placeholders filled in by the tuple.

``{website}`` stands for that parameter's value, "" when the tuple lacks it. A brace that
is no part of a placeholder is refused when the pool is configured.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

MAX_SAID = 500
"""Characters that are said: values are their senders', and somebody waits on the line."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_LONE_BRACE = re.compile(r"[{}]")


def whisper_faults(text: str, names: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with a pool's text. ``names``: its parameters."""
    for name in _PLACEHOLDER.findall(text):
        if name not in names:
            known = ", ".join(f"{{{each}}}" for each in names) or "no parameters"
            yield f"{{{name}}} is none of {known}"
    if _LONE_BRACE.search(_PLACEHOLDER.sub("", text)):
        yield "has a brace that is no part of a placeholder such as {website}"


def said(text: str, values: Mapping[str, str] | None) -> str:
    """The text with the tuple's values in it. None: whose call it is isn't known, so that a text
    which would tell that is left out."""
    if values is None:
        return "" if _PLACEHOLDER.search(text) else text
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], ""), text)[:MAX_SAID]
