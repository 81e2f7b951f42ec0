"""Looks at a page's HTML alone, where there is no browser."""

from __future__ import annotations

import httpx

from ringpool.page_check.look import LARGEST, TIMEOUT_S, CannotLook, Look
from ringpool.page_check.tree import read_html


def look(url: str, body: bytes | None) -> Look:
    """Read the page at ``url``; ``body``: what is there, when it isn't to be fetched.

    Raises CannotLook.
    """
    if body is not None:
        return Look(url=url, headers=[], page=read_html(_decoded(body, None)))
    try:
        with httpx.stream("GET", url, follow_redirects=True, timeout=TIMEOUT_S) as answer:
            if answer.status_code >= 400:
                raise CannotLook(f"{answer.url} answers {answer.status_code}")
            received = bytearray()
            for part in answer.iter_bytes():
                received += part
                if len(received) > LARGEST:
                    raise CannotLook(f"{answer.url} is longer than {LARGEST:,} bytes")
            headers = [(name.lower(), value) for name, value in answer.headers.multi_items()]
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CannotLook(f"{url}: {error or type(error).__name__}") from None
    kind = answer.headers.get("content-type", "text/html")
    if "html" not in kind:
        raise CannotLook(f"{answer.url} is no web page, but {kind}")
    text = _decoded(bytes(received), answer.charset_encoding)
    return Look(url=str(answer.url), headers=headers, page=read_html(text))


def _decoded(body: bytes, charset: str | None) -> str:
    try:
        return body.decode(charset or "utf-8", "replace")
    except LookupError:
        return body.decode("utf-8", "replace")
