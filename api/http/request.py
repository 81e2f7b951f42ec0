"""One HTTP request as the endpoints read it: each part parsed when it is needed, and only once.

Starlette's own ``Request`` builds mappings that the hot endpoints never look at; this one scans
the ASGI scope directly.
"""

from __future__ import annotations

import re
from functools import lru_cache

from starlette.types import Receive, Scope

from api.http.refusals import Headers, Refusal
from api.http.services import Services
from api.http.trusted_peer import TRUSTED
from ringpool.visits.areas import read_codes
from ringpool.visits.queries import read_query

_COUNTRY = re.compile("[A-Z]{2}")


class Request:
    """A view of one ASGI http scope."""

    __slots__ = ("_parameters", "_receive", "method", "scope", "services")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.services: Services = scope["state"]["services"]
        self._receive = receive
        self._parameters: dict[str, str] | None = None

    @property
    def headers(self) -> Headers:
        """All headers, names in lower case."""
        headers: Headers = self.scope["headers"]
        return headers

    def header(self, name: bytes) -> str:
        """The first header of this lower-case name, "" when there is none."""
        for key, value in self.scope["headers"]:
            if key == name:
                text: str = value.decode("latin-1")
                return text
        return ""

    def path(self, name: str) -> str:
        """A parameter of the route, such as ``pool`` in ``/t/{pool}``."""
        text: str = self.scope["path_params"][name]
        return text

    @property
    def query_string(self) -> bytes:
        """The query as it came, without its question mark."""
        raw: bytes = self.scope["query_string"]
        return raw

    def parameters(self, *, lenient: bool = False) -> dict[str, str]:
        """The query's parameters, names in lower case (see ``queries.read_query``).

        Raises a Fault that names what can't be read, unless ``lenient``.
        """
        if self._parameters is None:
            self._parameters = read_query(self.query_string, lenient=lenient)
        return self._parameters

    async def form(self, limit: int) -> dict[str, str]:
        """The query's parameters, overridden by those of a form body (that of a beacon)."""
        parameters = self.parameters()
        if self.method != "POST":
            return parameters
        kind = self.header(b"content-type").partition(";")[0].strip().lower()
        body = await self.body(limit)
        if not body:
            return parameters
        if kind not in ("application/x-www-form-urlencoded", "text/plain"):
            raise Refusal(415, "UnsupportedMediaType", "send a form: name=value&name=value")
        return {**parameters, **read_query(body)}

    async def document(self, limit: int) -> bytes:
        """A JSON body, not yet decoded; raises Refusal 413 or 415."""
        kind = self.header(b"content-type").partition(";")[0].strip().lower()
        if kind not in ("application/json", "application/merge-patch+json"):
            raise Refusal(415, "UnsupportedMediaType", "send application/json")
        return await self.body(limit)

    async def body(self, limit: int) -> bytes:
        """The whole body, at most ``limit`` bytes; raises Refusal 413 as soon as it is longer."""
        declared = self.header(b"content-length")
        if declared.isdecimal() and int(declared) > limit:
            raise _too_large(limit)
        body = bytearray()
        try:
            while True:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    raise Refusal(400, "InvalidRequest", "the connection closed inside the body")
                body += message.get("body", b"")
                if len(body) > limit:
                    raise _too_large(limit)
                if not message.get("more_body", False):
                    return bytes(body)
        finally:  # an exception's traceback has it, until the garbage collector comes by
            body.clear()

    def bearer(self) -> str:
        """The token of ``Authorization: Bearer``, or ""."""
        given = self.header(b"authorization")
        if not given:  # nearly always
            return ""
        scheme, _, token = given.partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    def country(self) -> str:
        """Where the visitor is, two letters; "" where no trusted proxy tells it.

        Several headers that differ tell nothing: a visitor may have sent one of them.
        """
        country = self._told(self.services.settings.country_header).upper()
        return country if _COUNTRY.fullmatch(country) and country != "XX" else ""

    def network(self) -> str:
        """Whose budget the visitor is on (``Ask.network``)."""
        client = self.scope.get("client")
        return self.services.networks.of(client[0] if client else "")

    def area(self) -> tuple[str, ...]:
        """The codes of the visitor's telephone area, the best first (``areas.read_codes``).

        None where no trusted proxy tells them.
        """
        told = self._told(self.services.settings.area_header)
        return read_codes(told, self.country()) if told else ()

    def _told(self, name: str | None) -> str:
        """What a trusted proxy tells of the visitor in a header, "" without one."""
        if name is None or TRUSTED not in self.scope:
            return ""
        wanted = name.encode("ascii")
        found = {value.strip() for key, value in self.headers if key == wanted}
        return found.pop().decode("latin-1") if len(found) == 1 else ""

    def base_url(self) -> str:
        """Where this service is reached from outside: RINGPOOL_PUBLIC_URL, else where it listens.

        Never the Host header, which a caller chooses and others would be sent to.
        """
        public = self.services.settings.public_url
        if public:
            return public
        name, port = self.scope.get("server") or ("localhost", None)
        return _address(self.scope["scheme"], name, port)


@lru_cache(maxsize=64)
def _address(scheme: str, name: str, port: int | None) -> str:
    host = f"[{name}]" if ":" in name else name
    return f"{scheme}://{host}:{port}" if port else f"{scheme}://{host}"


def _too_large(limit: int) -> Refusal:
    return Refusal(413, "BodyTooLarge", f"the body may have at most {limit:,} bytes")
