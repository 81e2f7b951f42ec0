"""Whether a page's Content Security Policy lets the script in, and lets it ask the service."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from ringpool.findings import Finding
from ringpool.page_check.tag import Tag
from ringpool.page_check.tree import Element

Policy = dict[str, list[str]]
"""Directive to its values, the directive in lower case; the first of a name counts."""

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def policies(headers: Sequence[tuple[str, str]], page: Element) -> list[Policy]:
    """The policies that a page is under: all of them must allow a thing."""
    texts = [value for name, value in headers if name == "content-security-policy"]
    for element in page.elements():
        kind = element.attributes.get("http-equiv", "").lower()
        if element.name == "meta" and kind == "content-security-policy":
            texts.append(element.attributes.get("content", ""))
    return [read(part) for text in texts for part in text.split(",") if part.strip()]


def read(text: str) -> Policy:
    """One policy as browsers read it."""
    policy: Policy = {}
    for directive in text.split(";"):
        name, *values = directive.split() or [""]
        if name:
            policy.setdefault(name.lower(), values)
    return policy


def check(policies: Sequence[Policy], tag: Tag, page_url: str) -> Iterator[Finding]:
    """Whether the tag may load and the script may ask; a line when there is nothing against it."""
    if not policies:
        yield Finding("ok", "policy", "the page has no Content-Security-Policy")
        return
    host = urlsplit(tag.url)
    source = f"{host.scheme}://{host.netloc}"
    script = [p for p in policies if not allows_script(p, tag, page_url)]
    if script:
        nonce = " (or give the tag the page's nonce)" if _has_nonce(script[0]) else ""
        message = f"script-src doesn't let the tag load: add {source}{nonce}"
        yield Finding("fail", "policy", message)
    swap = f"{tag.endpoint}/v1/swap"
    if not all(allows(_sources(p, "connect-src"), swap, page_url) for p in policies):
        named = f"connect-src doesn't let the script ask {source}"
        if all(allows_jsonp(p, swap, tag, page_url) for p in policies):
            yield Finding("warn", "policy", f"{named}: it uses JSONP, which is slower")
        else:
            yield Finding("fail", "policy", f"{named}, nor script-src its JSONP: add it to both")
    elif not script:
        yield Finding("ok", "policy", "lets the script in, and lets it ask the service")


def allows_script(policy: Policy, tag: Tag, page_url: str) -> bool:
    """Whether a policy lets the tag, as the page's own HTML has it, load."""
    sources = _sources(policy, "script-src-elem", "script-src")
    if sources is None:
        return True
    nonce = tag.attributes.get("nonce")
    if nonce and f"'nonce-{nonce}'" in sources:
        return True
    hashes = tag.attributes.get("integrity", "").split()
    if hashes and all(f"'{item}'" in sources for item in hashes):
        return True
    if "'strict-dynamic'" in [source.lower() for source in sources]:
        return False  # hosts don't count then
    return allows(sources, tag.url, page_url)


def allows_jsonp(policy: Policy, swap: str, tag: Tag, page_url: str) -> bool:
    """Whether a script that the running script adds may load from ``swap``."""
    sources = _sources(policy, "script-src-elem", "script-src")
    typed = policy.get("trusted-types", ["*"])
    if "require-trusted-types-for" in policy and not {"ringpool", "*"} & set(typed):
        return False
    if sources is None or "'strict-dynamic'" in [source.lower() for source in sources]:
        return True
    nonce = tag.attributes.get("nonce")
    return bool(nonce and f"'nonce-{nonce}'" in sources) or allows(sources, swap, page_url)


def allows(sources: list[str] | None, url: str, page_url: str) -> bool:
    """Whether one of a directive's sources matches a URL; None: there is no directive."""
    return sources is None or any(_matches(source, url, page_url) for source in sources)


def _sources(policy: Policy, *names: str) -> list[str] | None:
    """The values of the first directive that the policy has; ``default-src`` comes last."""
    return next((policy[name] for name in (*names, "default-src") if name in policy), None)


def _has_nonce(policy: Policy) -> bool:
    sources = _sources(policy, "script-src-elem", "script-src") or []
    return any(source.startswith("'nonce-") for source in sources)


def _matches(source: str, url: str, page_url: str) -> bool:
    """A source expression as in CSP Level 3, 6.7.2."""
    source = source if source.startswith("'nonce-") else source.lower()
    wanted, page = urlsplit(url), urlsplit(page_url)
    if source == "'self'":
        same = wanted.hostname == page.hostname and _port(wanted) == _port(page)
        upgraded = wanted.hostname == page.hostname and wanted.scheme == "https"
        return (same and wanted.scheme == page.scheme) or upgraded
    if source == "*":
        return wanted.scheme in ("http", "https") or wanted.scheme == page.scheme
    if re.fullmatch(r"[a-z][a-z0-9+.-]*:", source):
        return _scheme_fits(source[:-1], wanted.scheme)
    known = re.fullmatch(
        r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?(?P<host>\*|(?:\*\.)?[^:/'*]+)"
        r"(?::(?P<port>\d+|\*))?(?P<path>/.*)?",
        source,
    )
    if known is None:  # a keyword, a nonce or a hash
        return False
    scheme = known["scheme"] or page.scheme
    return (
        _scheme_fits(scheme, wanted.scheme)
        and _host_fits(known["host"], wanted.hostname or "")
        and _port_fits(known["port"], scheme, wanted.scheme, _port(wanted))
        and _path_fits(known["path"] or "", wanted.path.lower())
    )


def _scheme_fits(allowed: str, wanted: str) -> bool:
    return wanted == allowed or (allowed, wanted) in (("http", "https"), ("ws", "wss"))


def _host_fits(allowed: str, wanted: str) -> bool:
    if allowed == "*":
        return True
    return wanted.endswith(allowed[1:]) if allowed.startswith("*.") else wanted == allowed


def _port_fits(allowed: str | None, scheme: str, wanted_scheme: str, wanted: int | None) -> bool:
    if allowed is None:
        return wanted in (_PORTS.get(wanted_scheme), _PORTS.get(scheme))
    return allowed == "*" or int(allowed) == wanted


def _path_fits(allowed: str, wanted: str) -> bool:
    if allowed in ("", "/"):
        return True
    return wanted.startswith(allowed) if allowed.endswith("/") else wanted == allowed


def _port(parts: object) -> int | None:
    """The port of a split URL, its scheme's when it names none."""
    port = getattr(parts, "port", None)
    return port if port is not None else _PORTS.get(getattr(parts, "scheme", ""))
