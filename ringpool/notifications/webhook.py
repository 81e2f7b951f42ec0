"""Posts a webhook once: to a public address or a named one, without redirects, its answer unread.

A name is resolved once, and what is connected to is the address that was looked at: a name server
that answers otherwise the next time changes nothing. The certificate is checked for the name.
Proxies that the environment names aren't used: they would resolve the name by themselves.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence

import httpx

from ringpool import __version__
from ringpool.notifications.addresses import may_connect, read_networks
from ringpool.notifications.outcome import NotSent

TIMEOUT_SECONDS = 10.0
"""All that one attempt may take, however slowly the receiver talks."""

_CONNECT_SECONDS = 5.0
_MAX_ADDRESSES = 3
_PORTS = {"http": 80, "https": 443}

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a name, to be reached at a port; raises OSError."""


async def resolve(host: str, port: int) -> list[str]:
    """Ask the system for the addresses of a name."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class WebhookClient:
    """``allowed``: networks that may be posted to although they aren't public; ``*``: all."""

    def __init__(
        self,
        allowed: Sequence[str] = (),
        *,
        resolve: Resolve = resolve,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed = read_networks(allowed)
        self._resolve = resolve
        self._client = httpx.AsyncClient(
            timeout=_CONNECT_SECONDS,
            follow_redirects=False,
            trust_env=False,
            verify=True if trust is None else trust,
            limits=httpx.Limits(max_keepalive_connections=0),
            headers={"user-agent": f"Ringpool/{__version__}", "accept-encoding": "identity"},
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Post a JSON ``body``; raises NotSent unless the receiver answers with 2xx."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                status = await self._status(httpx.URL(url), body, headers)
        except TimeoutError:
            raise NotSent("no answer in time") from None
        except OSError:  # of the name
            raise NotSent("its name has no address") from None
        except (httpx.InvalidURL, UnicodeError):
            raise NotSent("its address can't be read") from None
        except httpx.HTTPError as error:
            raise NotSent(type(error).__name__) from None
        if not 200 <= status < 300:
            raise NotSent(f"status {status}")

    async def _status(self, url: httpx.URL, body: bytes, headers: Mapping[str, str]) -> int:
        name = url.raw_host.decode("ascii")
        port = url.port or _PORTS[url.scheme]
        addresses = dict.fromkeys(await self._resolve(name, port))
        public = [address for address in addresses if may_connect(address, self._allowed)]
        if not public:
            raise NotSent("its address isn't public (RINGPOOL_WEBHOOK_NETWORKS)")
        named = {"host": url.netloc.decode("ascii"), "content-type": "application/json", **headers}
        for address in public[:_MAX_ADDRESSES]:
            try:
                return await self._post(url.copy_with(host=address), name, body, named)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if address == public[:_MAX_ADDRESSES][-1]:
                    raise
        raise AssertionError  # one of them has returned or raised

    async def _post(
        self, url: httpx.URL, name: str, body: bytes, headers: Mapping[str, str]
    ) -> int:
        """Post to an address; nothing of the answer but its status is read."""
        request = self._client.build_request(
            "POST", url, content=body, headers=dict(headers), extensions={"sni_hostname": name}
        )
        response = await self._client.send(request, stream=True)
        await response.aclose()
        return response.status_code

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()
