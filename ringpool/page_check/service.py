"""What the service says of an account, asked as a page asks it. Nothing is taken from a pool."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
from msgspec import Struct

from ringpool.findings import Finding, Level
from ringpool.page_check.look import TIMEOUT_S
from ringpool.page_check.tag import Tag
from snippet import bundle


class Answer(Struct, frozen=True, kw_only=True):
    """The account's settings as the service has them now, and what is wrong about them.

    ``settings``: as ``snippet.bundle`` writes them; None when the service gave none.
    """

    settings: dict[str, Any] | None
    findings: list[Finding]


def ask(tag: Tag, origin: str) -> Answer:
    """Ask the tag's service for the account, its version, and whether ``origin`` may ask.

    ``origin``: the page's, "" when it isn't known.
    """
    if not tag.account:
        message = "the tag names none: ?account=ID after dni.js, or data-account for a pinned tag"
        return Answer(settings=None, findings=[Finding("fail", "account", message)])
    with httpx.Client(timeout=TIMEOUT_S, follow_redirects=True) as client:
        try:
            answer = client.get(f"{tag.endpoint}/dni.js", params={"account": tag.account})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            cause = str(error) or type(error).__name__
            message = f"{tag.endpoint} can't be reached: {cause}"
            return Answer(settings=None, findings=[Finding("fail", "service", message)])
        settings = bundle.settings_in(answer.content) if answer.is_success else None
        if settings is None:
            return Answer(settings=None, findings=[_refused(tag, answer)])
        findings = [Finding("ok", "account", f"{tag.account} is known to {tag.endpoint}")]
        findings += _check_version(client, tag, settings)
        findings += _check_origin(client, tag, origin)
    return Answer(settings=settings, findings=findings)


def _refused(tag: Tag, answer: httpx.Response) -> Finding:
    """Why there was no script: no such account, or no Ringpool.

    The service says the first in a script of its own, for the page's console.
    """
    if "x-ringpool-error" in answer.headers:
        told = re.search(r'"(?:[^"\\]|\\.)*"', answer.text)
        message = json.loads(told[0]) if told else answer.headers["x-ringpool-error"]
        return Finding("fail", "account", f"{tag.account}: {message}")
    message = f"{answer.url} answers {answer.status_code} and no page script"
    return Finding("fail", "service", message)


def _check_version(client: httpx.Client, tag: Tag, settings: dict[str, Any]) -> Iterator[Finding]:
    present = settings.get("v", "")
    if not tag.version:
        yield Finding("ok", "version", f"{present}, the service's present one")
        return
    again = f"`ringpool snippet {tag.account} --pinned` prints the new tag"
    answer = client.get(tag.url)
    if tag.version != present:
        level: Level = "warn" if answer.is_success else "fail"
        gone = "" if answer.is_success else ", and no longer there: nothing is swapped"
        message = f"pinned to {tag.version}, older than the service's {present}{gone}; {again}"
        yield Finding(level, "version", message)
    elif not answer.is_success:
        yield Finding("fail", "version", f"{tag.url} answers {answer.status_code}")
    else:
        yield Finding("ok", "version", f"pinned to {present}, the service's present one")
    if answer.is_success and not _fits(tag.attributes.get("integrity", ""), answer.content):
        yield Finding("fail", "version", f"integrity= isn't that of {tag.url}; {again}")
    if tag.settings is not None:
        changed = [name for name in settings if settings[name] != tag.settings.get(name)]
        if "t" in changed:
            message = f"data-settings has other targets than the account now; {again}"
            yield Finding("fail", "settings", message)
        elif set(changed) - {"v", "e"}:
            yield Finding("warn", "settings", f"data-settings is older than the account's; {again}")


def _fits(integrity: str, content: bytes) -> bool:
    """Whether browsers run the script: one of the strongest hashes fits, or none is known."""
    known: dict[str, list[str]] = {}
    for item in integrity.split():
        algorithm, _, hashed = item.partition("-")
        if algorithm in ("sha256", "sha384", "sha512"):
            known.setdefault(algorithm, []).append(hashed.partition("?")[0])
    if not known:
        return True
    strongest = max(known)
    digest = hashlib.new(strongest, content).digest()
    return base64.b64encode(digest).decode() in known[strongest]


def _check_origin(client: httpx.Client, tag: Tag, origin: str) -> Iterator[Finding]:
    if not origin:
        message = "not checked: say where the page will be with --at URL"
        yield Finding("ok", "origin", message)
        return
    headers = {"origin": origin, "access-control-request-method": "GET"}
    try:
        answer = client.options(
            f"{tag.endpoint}/v1/swap", params={"account": tag.account}, headers=headers
        )
    except httpx.HTTPError as error:
        yield Finding("warn", "origin", f"couldn't be checked: {error}")
        return
    allowed = answer.headers.get("access-control-allow-origin")
    if answer.is_success and allowed in ("*", origin):
        anyone = "any page may ask for the account's numbers" if allowed == "*" else ""
        yield Finding("ok", "origin", anyone or f"{origin} is one of the account's")
    elif answer.status_code == 403:
        message = f"{origin} isn't among the account's origins: no number is given to this page"
        yield Finding("fail", "origin", message)
    else:
        message = f"couldn't be checked: OPTIONS {answer.url.path} answers {answer.status_code}"
        yield Finding("warn", "origin", message)
