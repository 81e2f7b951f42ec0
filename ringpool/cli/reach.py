"""Whether an address that a command prints leads to the service."""

from __future__ import annotations

import httpx

from ringpool.cli.session import Session
from ringpool.settings import variable

_SECONDS = 2.0


_OURS = "x-request-id"
"""A header of every answer of this service."""


async def warning(session: Session, url: str, status: int) -> str:
    """What is wrong with a printed ``url``, and what to set; "" when this service answers there.

    It is asked for as a browser would, but with HEAD, which takes nothing. ``status``: of the
    answer that is right.
    """
    found = await _trouble(url, status)
    if not found:
        return ""
    name = variable("public_url")
    present = session.settings.public_url or "not set"
    return f"{url} {found}. Is the service running? {name} ({present}) is where browsers reach it."


async def _trouble(url: str, status: int) -> str:
    try:
        async with httpx.AsyncClient(timeout=_SECONDS, follow_redirects=False) as client:
            response = await client.head(url)
    except httpx.TimeoutException:
        return f"doesn't answer within {_SECONDS:.0f} seconds"
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return f"can't be reached ({error or type(error).__name__})"
    if kind := response.headers.get("x-ringpool-error"):
        return f"is answered by a service that doesn't know it ({kind})"
    if response.status_code != status or _OURS not in response.headers:
        return f"is answered by something else (status {response.status_code})"
    return ""
