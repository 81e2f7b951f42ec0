"""The script tag on a page: which it is, and what its attributes say."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

from msgspec import Struct

from ringpool.findings import Finding
from ringpool.numbers import phone
from ringpool.page_check.tree import Element

KNOWN = (
    *("account", "settings", "endpoint", "targets", "selector", "format", "timeout", "hide-until"),
    *("show", "hide", "invisible", "click-to-call", "jsonld", "params", "cookies", "consent"),
    *("days", "key", "debug", "attributes"),
)
"""The ``data-`` attributes that the script reads; the manual (``snippet/README.md``) lists them."""

_SCRIPT = re.compile(r"/(?:dni/(?P<version>[^/]+)/)?dni\.js$")
_JAVASCRIPT = ("", "text/javascript", "application/javascript", "module")
_WHOLE_NUMBERS = ("timeout", "days")
_FORMATS = ("national", "international", "e164")


class Tag(Struct, frozen=True, kw_only=True):
    """A tag that loads the page script.

    ``url``: where from, in full. ``version``: of a pinned one, else "". ``endpoint``: the service.
    ``account``: its id, "" when the tag names none. ``attributes``: of the tag, and
    the ``data-`` ones in its address.
    ``settings``: what a pinned tag brings along; None where that is none, or can't be read.
    """

    url: str
    version: str
    endpoint: str
    account: str
    attributes: dict[str, str]
    settings: dict[str, Any] | None = None

    def option(self, name: str) -> str | None:
        """The value of a ``data-`` attribute, None where the tag lacks it."""
        return self.attributes.get(f"data-{name}")

    @property
    def runs(self) -> bool:
        """Whether browsers run it: not if a consent manager has given it another type."""
        return self.attributes.get("type", "").lower().strip() in _JAVASCRIPT


def tags(page: Element, url: str) -> list[Tag]:
    """The script's tags on a page that is at ``url``, in their order."""
    base = url
    found = []
    for element in page.elements():
        if element.name == "base" and element.attributes.get("href"):
            with suppress(ValueError):
                base = urljoin(url, element.attributes["href"])
        if element.name == "script":
            attributes = element.attributes
            source = next((attributes[n] for n in ("src", "data-src") if attributes.get(n)), "")
            tag = read(source, attributes, base) if source else None
            if tag is not None:
                found.append(tag)
    return found


def read(source: str, attributes: Mapping[str, str], base: str = "") -> Tag | None:
    """The tag with that ``src``, seen from ``base``; None when it loads something else."""
    try:
        address = urljoin(base, source)
        parts = urlsplit(address)
        known = _SCRIPT.search(parts.path)
    except ValueError:
        return None
    if known is None:
        return None
    query = {name: values[0] for name, values in parse_qs(parts.query, True).items()}
    in_address = {name: value for name, value in query.items() if name.startswith("data-")}
    named = query.get("account", "")
    folder = parts._replace(path=parts.path[: known.start()], query="", fragment="").geturl()
    return Tag(
        url=address,
        version=known["version"] or "",
        endpoint=(attributes.get("data-endpoint") or folder).rstrip("/"),
        account=attributes.get("data-account") or named,
        attributes={**in_address, **attributes},
        settings=_settings(attributes.get("data-settings", "")),
    )


def check(tag: Tag, page_url: str, targets: Iterable[str]) -> Iterator[Finding]:
    """What is wrong, or worth a word, about a tag itself.

    ``targets``: the account's, in E.164; empty where they aren't known.
    """
    if not tag.runs:
        kind = tag.attributes.get("type")
        message = f'type="{kind}": browsers don\'t run it until a consent manager changes that'
        yield Finding("warn", "tag", message)
    if urlsplit(page_url).scheme == "https" and urlsplit(tag.url).scheme == "http":
        yield Finding("fail", "tag", f"{tag.url} isn't https: browsers block it on this page")
    if tag.version:
        if tag.settings is None:
            message = "a pinned tag needs data-settings: print it with `ringpool snippet --pinned`"
            yield Finding("fail", "tag", message)
        if "integrity" not in tag.attributes:
            message = "a pinned tag without integrity= is no safer than the usual one"
            yield Finding("warn", "tag", message)
    elif "integrity" in tag.attributes:
        message = "integrity= on a script that changes with the account: use a pinned tag"
        yield Finding("fail", "tag", message)
    yield from _check_attributes(tag, list(targets))


def _check_attributes(tag: Tag, targets: list[str]) -> Iterator[Finding]:
    for name, value in tag.attributes.items():
        if not name.startswith("data-") or name == "data-src":
            continue
        option = name.removeprefix("data-")
        if option not in KNOWN:
            near = difflib.get_close_matches(option, KNOWN, 1)
            hint = f": data-{near[0]}?" if near else ""
            if near or not option.startswith(("cf", "ot-", "cookie", "category", "rocket")):
                yield Finding("warn", "tag", f"the script knows no {name}{hint}")
        elif option in _WHOLE_NUMBERS and not re.fullmatch(r"\d{1,9}", value):
            yield Finding("fail", "tag", f"{name}={value!r} isn't a whole number")
        elif option == "format" and value not in _FORMATS:
            yield Finding("fail", "tag", f"{name}={value!r} isn't one of {', '.join(_FORMATS)}")
        elif option == "consent" and value != "required":
            yield Finding("warn", "tag", f"{name}={value!r} does nothing: only `required` does")
        elif option == "targets":
            yield from _check_targets(value, targets)


def _check_targets(value: str, targets: list[str]) -> Iterator[Finding]:
    for text in filter(None, map(str.strip, value.split(","))):
        try:
            written = phone.parse(text)
        except ValueError as error:
            yield Finding("fail", "tag", f"data-targets: {error}")
            continue
        if written != text:
            yield Finding("fail", "tag", f"data-targets: write {text} as {written}")
        elif targets and text not in targets:
            message = f"data-targets: no pool of the account has {text} among its swap_targets"
            yield Finding("fail", "tag", message)


def _settings(text: str) -> dict[str, Any] | None:
    try:
        settings = json.loads(text)
    except ValueError:
        return None
    return settings if isinstance(settings, dict) else None
