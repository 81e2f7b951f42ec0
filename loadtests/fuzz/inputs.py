"""Hostile inputs: what goes over one connection, made from a seed and a number alone.

An input is made of requests with an ``X-Request-Id`` each, by which its answers are known. It is
``framed`` when HTTP leaves no doubt where each request ends, however bad what is in it.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping
from urllib.parse import quote_from_bytes

from msgspec import Struct

from loadtests.fuzz.documents import Documents, hostile_text
from loadtests.fuzz.target import ADMIN, ATTACKER, MALLORY_API_KEY, MALLORY_KEY, MALLORY_POOLS


class Known(Struct, frozen=True):
    """What the service has signed, for bits of it to be flipped: by parameter."""

    signed: Mapping[str, str]
    sealed: str


class Input(Struct, frozen=True):
    """``pieces``: each is sent in a packet of its own. ``ids``: of its requests, in order.

    ``never``: ids of what stands where no request is. ``ends``: the client sends no more then.
    """

    kind: str
    pieces: tuple[bytes, ...]
    ids: tuple[str, ...]
    framed: bool
    ends: bool
    never: tuple[str, ...] = ()

    @property
    def data(self) -> bytes:
        """All pieces."""
        return b"".join(self.pieces)


class Message(Struct):
    """One request. ``lines``: of its head, from the second on."""

    id: str
    method: str
    target: bytes
    lines: list[bytes]
    body: bytes | None = None

    def encoded(self) -> bytes:
        """With the length of its body, if it has one."""
        lines = list(self.lines)
        if self.body is not None:
            lines.append(b"Content-Length: %d" % len(self.body))
        return self._head(lines) + (self.body or b"")

    def chunked(self, rng: random.Random) -> bytes:
        """With its body in chunks, in one of the ways that are allowed."""
        body, parts = self.body or b"", []
        while body:
            size = min(len(body), rng.choice((1, 2, 15, 16, 255, 4096)))
            form = rng.choice(
                (b"%x\r\n", b"%X\r\n", b"000%x\r\n", b"%x;a=b\r\n", b'%x;a="b;c"\r\n')
            )
            parts.append(form % size + body[:size] + b"\r\n")
            body = body[size:]
            if len(parts) > 200:
                parts.append(b"%x\r\n%b\r\n" % (len(body), body) if body else b"")
                break
        trailer = rng.choice((b"", b"", b"x-a: b\r\n", b"x-request-id: trailing\r\n"))
        end = rng.choice((b"0", b"000")) + b"\r\n" + trailer + b"\r\n"
        return self._head([*self.lines, b"Transfer-Encoding: chunked"]) + b"".join(parts) + end

    def _head(self, lines: list[bytes]) -> bytes:
        return b"\r\n".join(
            (b"%b %b HTTP/1.1" % (self.method.encode(), self.target), *lines, b"", b"")
        )


_NAMES = tuple(
    b"account url ref visitor targets pool callback ring_pool_key website location path param1 "
    b"param10 search_engine search_keywords search_keyword_id landing_page referrer publisher "
    b"mobile_click_to_call rp_number rp_pool rp_exp rp_sig after limit at gclid held agent address "
    b"utm_source q kw number caller text".split()
)
_PAGES = (b"/v1/swap", b"/v1/ping", b"/v1/release", b"/v1/verify", b"/dni.js")
_MANAGERS = (
    b"/admin/v1/accounts",
    b"/admin/v1/accounts/mallory",
    b"/admin/v1/accounts/honest",
    b"/admin/v1/pools",
    b"/admin/v1/pools/mallory-custom",
    b"/admin/v1/pools/honest",
    b"/admin/v1/pools/mallory-custom/numbers",
    b"/admin/v1/pools/honest/numbers",
    b"/admin/v1/pools/mallory-custom/status",
    b"/admin/v1/stocks",
    b"/admin/v1/stocks/mallory-stock",
    b"/admin/v1/numbers/+16462000000",
    b"/admin/v1/numbers/+12127770000",
    b"/admin/v1/calls",
    b"/v1/calls",
    b"/v1/calls/call-1",
    b"/admin/v1/explain",
    b"/v1/route",
)
_OTHERS = (b"/livez", b"/readyz", b"/metrics", b"/openapi.json", b"/", b"/favicon.ico")
_METHODS = ("GET",) * 12 + (
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "PATCH",
    "OPTIONS",
    "TRACE",
    "PROPFIND",
)
_HEADERS = tuple(
    b"User-Agent Referer Origin Cookie Accept Accept-Language Sec-CH-UA-Mobile Sec-Purpose Purpose "
    b"If-None-Match If-Match If-Modified-Since Range X-Forwarded-Proto X-Forwarded-Host X-Country "
    b"X-Area Via Content-Type Content-Encoding X-Ringpool-Url X-Ringpool-Address "
    b"X-Ringpool-Agent Authorization X-HTTP-Method-Override Forwarded Cache-Control TE".split()
)
_AGENTS = (
    b"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148",
    b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    b"Android" * 100,
)


class Maker:
    """Makes inputs. ``seed``: with an input's number it makes the same one anywhere."""

    def __init__(self, seed: int, known: Known) -> None:
        self._seed = seed
        self._known = known
        self._kinds: tuple[tuple[int, Callable[[], Input]], ...] = (
            (40, self._one),
            (10, self._pipeline),
            (6, self._chunks),
            (20, self._garbled),
            (8, self._odd_head),
            (6, self._smuggled),
            (2, self._upgrades),
        )
        self._weights = [weight for weight, _ in self._kinds]

    def make(self, number: int) -> Input:
        """The input with this number."""
        self._rng = random.Random(f"{self._seed}/{number}")
        self._name = f"f{number}"
        self._count = 0
        self._documents = Documents(self._rng)
        ((_, kind),) = self._rng.choices(self._kinds, self._weights)
        return kind()

    def _id(self, end: str = "") -> str:
        self._count += 1
        return f"{self._name}.{self._count}{end}"

    def _one(self) -> Input:
        message = self._message()
        return self._input("one", [message.encoded()], [message])

    def _pipeline(self) -> Input:
        messages = [self._message() for _ in range(self._rng.randint(2, 12))]
        data = b"".join(message.encoded() for message in messages)
        return self._input("pipeline", self._cut(data), messages)

    def _chunks(self) -> Input:
        messages = [self._message() for _ in range(self._rng.randint(1, 3))]
        parts = []
        for message in messages:
            if message.body is None and message.method in ("GET", "HEAD", "OPTIONS", "TRACE"):
                parts.append(message.encoded())
            else:
                parts.append(message.chunked(self._rng))
        return self._input("chunks", self._cut(b"".join(parts)), messages)

    def _input(self, kind: str, pieces: list[bytes], messages: list[Message]) -> Input:
        ids = tuple(message.id for message in messages)
        return Input(kind, tuple(pieces), ids, framed=True, ends=self._rng.random() < 0.1)

    def _cut(self, data: bytes) -> list[bytes]:
        """In up to four pieces, wherever."""
        places = sorted(self._rng.randrange(len(data) + 1) for _ in range(self._rng.randint(0, 3)))
        ends = [0, *places, len(data)]
        return [data[a:b] for a, b in itertools.pairwise(ends) if a < b]

    def _message(self, *, head: bool = True) -> Message:
        rng = self._rng
        method = rng.choice(_METHODS)
        if method == "HEAD" and not head:
            method = "GET"
        body, lines = None, []
        if rng.random() < 0.25:
            method, target, kind, body, key = self._documents.request()
            lines += [b"Content-Type: " + kind, b"Authorization: Bearer " + key]
        else:
            target = self._path()
            if rng.random() < 0.9:
                target += b"?" + self._query()
            if rng.random() < 0.3:
                lines.append(b"Authorization: " + self._authorization())
            if method in ("POST", "PUT", "PATCH"):
                body = self._query() if rng.random() < 0.5 else self._documents.bytes()
        for _ in range(rng.choice((0, 0, 1, 2, 4))):
            name = rng.choice(_HEADERS)
            if not any(line.startswith(name + b":") for line in lines):
                lines.append(name + b": " + self._field())
        message_id = self._id("-h" if method == "HEAD" else "")
        lines += [
            b"Host: " + (b"a" if rng.random() < 0.9 else self._field()),
            b"X-Forwarded-For: " + (ATTACKER.encode() if rng.random() < 0.9 else self._field()),
            b"X-Request-Id: " + message_id.encode(),
        ]
        return Message(message_id, method, target[:15_000], lines, body)

    def _path(self) -> bytes:
        rng = self._rng
        pool = rng.choice(MALLORY_POOLS).encode() if rng.random() < 0.8 else self._escaped()
        dated = rng.choice((b"v1", b"v1", b"2014-01-01", self._escaped()))
        form = rng.choice((b"json", b"xml", b"csv", self._escaped()))
        path = rng.choice(
            (
                rng.choice(_PAGES),
                rng.choice(_PAGES),
                b"/t/" + pool,
                b"/api/%b/ring_pools/%b/allocate_number.%b" % (dated, pool, form),
                b"/api/v1/ring_pools/%b/allocate_number.json" % pool,
                rng.choice(_MANAGERS),
                rng.choice(_OTHERS),
                b"/dni/%b/%b" % (self._escaped(), self._escaped()),
                b"/api/%b/bulk.json" % dated,
            )
        )
        if rng.random() < 0.1:
            path += rng.choice((b"/", b"//", b"/..", b"/%2e%2e/", b"%00", b"%0a", b";a=b", b"%ff"))
        return path

    def _query(self) -> bytes:
        rng = self._rng
        pairs = []
        if rng.random() < 0.8:
            pairs.append(b"account=" + rng.choice((b"mallory", b"mallory", b"honest", b"nobody")))
        if rng.random() < 0.6:
            page = b"https://a.example/?website=" + rng.choice((b"one", b"two", self._escaped()))
            pairs.append(b"url=" + quote_from_bytes(page).encode())
        if rng.random() < 0.5:
            pairs.append(b"ring_pool_key=" + MALLORY_KEY.encode())
        if rng.random() < 0.2:
            pairs += [b"%b=%b" % pair for pair in self._signed()]
        if rng.random() < 0.2:
            pairs.append(b"held=" + self._flipped(self._known.sealed))
        if rng.random() < 0.2:
            pairs.append(b"callback=" + rng.choice((b"cb", b"a.b.c", b"_$", self._escaped())))
        for _ in range(rng.choice((0, 1, 2, 5, 40))):
            pairs.append(rng.choice(_NAMES) + b"=" + self._escaped())
        rng.shuffle(pairs)
        if rng.random() < 0.05:
            pairs.append(self._escaped())
        return rng.choice((b"&", b"&", b"&", b"&&", b";")).join(pairs)

    def _signed(self) -> list[tuple[bytes, bytes]]:
        """A signed number, one part of it changed by one bit perhaps."""
        changed = self._rng.choice((*self._known.signed, ""))
        return [
            (
                name.encode(),
                self._flipped(value)
                if name == changed
                else quote_from_bytes(value.encode()).encode(),
            )
            for name, value in self._known.signed.items()
        ]

    def _flipped(self, text: str) -> bytes:
        data = bytearray(text.encode())
        if data:
            place = self._rng.randrange(len(data))
            data[place] ^= 1 << self._rng.randrange(8)
        return quote_from_bytes(bytes(data)).encode()

    def _escaped(self) -> bytes:
        """Hostile text as it may stand in a URL, escaped where HTTP itself wouldn't let it pass."""
        raw = hostile_text(self._rng)
        if self._rng.random() < 0.5:
            return quote_from_bytes(raw).encode()[:4000]
        return b"".join(
            bytes((byte,)) if 32 < byte < 127 and byte not in b"#" else b"%%%02x" % byte
            for byte in raw[:1500]
        )

    def _field(self) -> bytes:
        """Hostile text as a header may have it."""
        if self._rng.random() < 0.2:
            return self._rng.choice(_AGENTS)
        raw = hostile_text(self._rng)[:4000]
        return bytes(byte for byte in raw if byte in b"\t" or 32 <= byte != 127).strip()

    def _authorization(self) -> bytes:
        return self._rng.choice(
            (
                b"Bearer " + MALLORY_API_KEY.encode(),
                b"Bearer " + MALLORY_API_KEY.encode(),
                b"Bearer " + MALLORY_KEY.encode(),
                b"Bearer " + ADMIN.encode()[:-1],
                b"bearer  " + self._field(),
                b"Basic YTpi",
                self._field(),
            )
        )

    def _garbled(self) -> Input:
        """Good requests with some bytes changed, left out, put in, repeated or cut off."""
        rng = self._rng
        messages = [self._message(head=False) for _ in range(rng.randint(1, 4))]
        data = bytearray(
            b"".join(
                m.chunked(rng) if m.body and rng.random() < 0.3 else m.encoded() for m in messages
            )
        )
        for _ in range(rng.choice((1, 1, 2, 4, 16))):
            # Most of it in heads, where it matters.
            place = rng.randrange(min(len(data), rng.choice((80, 400, 1 << 20))) or 1)
            match rng.randrange(7):
                case 0:
                    data[place : place + 1] = bytes((rng.randrange(256),))
                case 1:
                    del data[place : place + rng.choice((1, 2, 20))]
                case 2:
                    data[place:place] = rng.choice(
                        (b"\r", b"\n", b"\r\n", b"\x00", b" ", b":", b"\xff")
                    )
                case 3:
                    data[place:place] = data[place : place + rng.choice((1, 10, 200))]
                case 4:
                    del data[place + 20 :]
                case 5:
                    data[place:place] = hostile_text(rng)[:500]
                case _:
                    data[place : place + 4] = rng.randbytes(4)
        return self._doubtful("garbled", bytes(data), messages)

    def _doubtful(
        self, kind: str, data: bytes, messages: list[Message], never: tuple[str, ...] = ()
    ) -> Input:
        ids = tuple(message.id for message in messages)
        return Input(
            kind, tuple(self._cut(data)) or (b"\r\n",), ids, framed=False, ends=True, never=never
        )

    def _odd_head(self) -> Input:
        """A head of a shape that HTTP forbids, or hardly allows."""
        rng = self._rng
        message = self._message(head=False)
        data = message.encoded()
        head, _, rest = data.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        odd = rng.choice(
            (
                b"Host: b",
                b"Content-Length: 5",
                b"Content-Length: -1",
                b"Content-Length: 18446744073709551616",
                b"Content-Length: 0x5",
                b"Content-Length: 5, 5",
                b"Content-Length : 5",
                b"Transfer-Encoding: identity",
                b"Transfer-Encoding: chunked, identity",
                b"Transfer-Encoding: xchunked",
                b"Transfer-Encoding:\x0bchunked",
                b"Transfer-Encoding : chunked",
                b" folded: line",
                b"\tfolded",
                b"no colon",
                b": no name",
                b"a\x00b: c",
                b"a: b\x00c",
                b"a: b\nContent-Length: 9",
                b"a: b\rc: d",
                b"Expect: 100-continue",
                b"Expect: 200-ok",
                b"Connection: close, keep-alive",
                b"Connection: Content-Length",
                b"x" * 70_000 + b": y",
                b"x: " + b"y" * 140_000,
                b"\r\n".join(b"h%d: v" % n for n in range(3000)),
                b"Upgrade: websocket",
                b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA",
            )
        )
        lines.insert(rng.randrange(len(lines) + 1), odd)
        if rng.random() < 0.3:
            first = rng.choice(
                (
                    first.replace(b"HTTP/1.1", b"HTTP/1.0"),
                    first.replace(b"HTTP/1.1", b"HTTP/2.0"),
                    first.replace(b"HTTP/1.1", b"HTTP/9"),
                    first.replace(b"HTTP/1.1", b""),
                    first.replace(b" ", b"  "),
                    first.replace(b" ", b"\t"),
                    b"GET http://[/ HTTP/1.1",
                    b"GET http://b:99999999/livez HTTP/1.1",
                    b"GET " + b"/" * 20_000 + b" HTTP/1.1",
                    b"CONNECT a:80 HTTP/1.1",
                    b"OPTIONS * HTTP/1.1",
                    b"GET * HTTP/1.1",
                    b"PRI * HTTP/2.0\r\n\r\nSM",
                    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                )
            )
        end = rng.choice((b"\r\n",) * 8 + (b"\n", b"\r"))
        return self._doubtful("odd_head", end.join((first, *lines, b"", rest)), [message])

    def _smuggled(self) -> Input:
        """A request inside another's body, and doubt about where that ends."""
        rng = self._rng
        hidden = self._id()
        inner = f"GET /livez HTTP/1.1\r\nHost: a\r\nX-Request-Id: {hidden}\r\n\r\n".encode()
        outer = self._id()
        start = (
            f"POST /v1/ping?account=mallory HTTP/1.1\r\nHost: a\r\nX-Request-Id: {outer}\r\n"
            "Content-Type: text/plain\r\n"
        ).encode()
        length, chunked = b"Content-Length: %d\r\n" % len(inner), b"Transfer-Encoding: chunked\r\n"
        chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(inner), inner)
        data = rng.choice(
            (
                start + length + b"\r\n" + inner,
                start + chunked + b"\r\n" + chunk,
                start + length + chunked + b"\r\n" + b"0\r\n\r\n" + inner,
                start + chunked + length + b"\r\n" + b"0\r\n\r\n" + inner,
                start + b"Content-Length: 0\r\n" + length + b"\r\n" + inner,
                start + length + b"Content-Length: 0\r\n" + b"\r\n" + inner,
                start + b"Content-Length: 0\r\n" + chunked + b"\r\n" + chunk,
                start + chunked + b"Transfer-Encoding: identity\r\n\r\n" + b"0\r\n\r\n" + inner,
                start + b"Transfer-Encoding: identity, chunked\r\n" + length + b"\r\n" + chunk,
                start + b"Transfer-Encoding:\tchunked\r\n" + length + b"\r\n0\r\n\r\n" + inner,
                start + b"Transfer_Encoding: chunked\r\n" + length + b"\r\n" + inner,
                start + b"Content-Length: +%d\r\n\r\n" % len(inner) + inner,
                start + b"X: y\nContent-Length: 0\r\n" + length + b"\r\n" + inner,
                start + chunked + b"\r\n" + b"%x\r\n" % (len(inner) + (1 << 64)) + inner,
                start + chunked + b"\r\n" + b"-1\r\n" + inner,
                start + chunked + b"\r\n" + b"1 \r\na\r\n0\r\n\r\n" + inner.replace(b"\r\n", b"\n"),
                start + chunked + b"\r\n" + b"0\r\nContent-Length: 0\r\n" + inner,
            )
        )
        message = Message(outer, "POST", b"", [])
        return self._doubtful("smuggled", data, [message], never=(hidden,))

    def _upgrades(self) -> Input:
        messages = []
        for _ in range(self._rng.randint(1, 30)):
            message = self._message()
            protocol = self._rng.choice((b"h2c", b"websocket", b"TLS/1.0", b"x"))
            message.lines += [b"Connection: Upgrade", b"Upgrade: " + protocol]
            messages.append(message)
        data = b"".join(message.encoded() for message in messages)
        return self._input("upgrades", self._cut(data), messages)
