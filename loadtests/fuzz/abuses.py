"""Every abuse that was found once, as a case that can be run again, at its own size and larger.

A case attacks a running service for some seconds and returns what is wrong with how that answered;
what others noticed meanwhile is measured around it (``measurement``).
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from loadtests.fuzz.exchange import Answer, Garbled, read_answer
from loadtests.fuzz.target import (
    ADMIN,
    ATTACKER,
    HONEST_API_KEY,
    HONEST_VALUE,
    LANDING,
    MALLORY_API_KEY,
    MALLORY_KEY,
    Target,
    numbers,
)
from ringpool.config import config_file
from ringpool.faults import Faults
from tests.servers.service import RINGPOOL, environment

PATIENCE_SECONDS = 30.0
MANY = 100
"""Connections that an attacker opens, or requests that he has under way, at a time."""

Faulty = list[str]
"""What was wrong; empty: nothing."""


@dataclass(frozen=True, slots=True)
class Abuse:
    """``run(target, size, seconds)``. ``size``: how much of it was found to do harm.

    An attack that has no end of its own goes on for that many ``seconds``.
    """

    name: str
    size: int
    meaning: str
    run: Callable[[Target, int, float], Coroutine[Any, Any, Faulty]]


ABUSES: list[Abuse] = []


def _abuse(size: int, meaning: str) -> Callable[[Any], Any]:
    def declare(run: Callable[[Target, int, float], Coroutine[Any, Any, Faulty]]) -> Any:
        ABUSES.append(Abuse(run.__name__, size, meaning, run))
        return run

    return declare


class _Attacker:
    """One connection of an attacker, who needn't read what he gets."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._buffer = bytearray()

    async def send(self, data: bytes) -> bool:
        """Send as much as is taken; False when the connection is gone."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except (OSError, ConnectionError):
            return False
        return not self.writer.is_closing()

    async def answer(self) -> Answer | None:
        """The next response, None at the end; raises Garbled and TimeoutError."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (found := read_answer(self._buffer)) is None:
                try:
                    piece = await self.reader.read(262_144)
                except ConnectionError:
                    piece = b""
                if not piece:
                    return None
                self._buffer += piece
        return found

    async def answers(self) -> list[Answer]:
        """All of them, to the connection's end."""
        found = []
        while (answer := await self.answer()) is not None:
            found.append(answer)
        return found


@asynccontextmanager
async def _attackers(target: Target, count: int) -> AsyncIterator[list[_Attacker]]:
    """Connections, opened some at a time."""
    found: list[_Attacker] = []
    try:
        while len(found) < count:
            batch = min(MANY, count - len(found))
            opened = await asyncio.gather(
                *(asyncio.open_connection(*target.address) for _ in range(batch)),
                return_exceptions=True,
            )
            for each in opened:
                if isinstance(each, BaseException):
                    raise each
                found.append(_Attacker(*each))
        yield found
    finally:
        for attacker in found:
            attacker.writer.transport.abort()


async def _with_all(attackers: list[_Attacker], work: Callable[[_Attacker], Awaitable[Any]]) -> Any:
    return await asyncio.gather(*(work(attacker) for attacker in attackers))


def request(method: str, path: str, *lines: str, body: bytes = b"") -> bytes:
    """A request as the proxy passes the attacker's on."""
    if body or method in ("POST", "PUT", "PATCH"):
        lines = (*lines, f"Content-Length: {len(body)}")
    head = (f"{method} {path} HTTP/1.1", "Host: a", f"X-Forwarded-For: {ATTACKER}", *lines)
    return "\r\n".join((*head, "", "")).encode("latin-1") + body


def _as(key: str) -> str:
    return f"Authorization: Bearer {key}"


_JSON = "Content-Type: application/json"


async def _until(seconds: float, work: Callable[[], Awaitable[Any]]) -> None:
    """Do it again and again for so long, once at least."""
    ends = time.monotonic() + seconds
    while True:
        await work()
        if time.monotonic() > ends:
            return


async def _ask_many(target: Target, requests: list[bytes], connections: int = 4) -> list[Answer]:
    """Each request on one of some connections, answered before the next is sent."""
    found: list[Answer] = []
    waiting = iter(requests)

    async def ask(attacker: _Attacker) -> None:
        for each in waiting:
            await attacker.send(each)
            answer = await attacker.answer()
            if answer is None:
                raise Garbled(f"no answer to {each[:200]!r}")
            found.append(answer)

    async with _attackers(target, connections) as attackers:
        await _with_all(attackers, ask)
    return found


async def _get(url: str, visitor: str, query: dict[str, str], key: str = "") -> httpx.Response:
    """A request of somebody else, at an address that the proxy tells."""
    headers = {"x-forwarded-for": visitor}
    if key:
        headers["authorization"] = f"Bearer {key}"
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client:
        return await client.get(url, params=query, headers=headers)


def _pool_of_a_thousand(target: Target, name: str) -> None:
    area = 917 + ("greed", "pinged").index(name)
    target.make(
        f"pools/{name}",
        {
            "account": "mallory",
            "key": MALLORY_KEY,
            "parameters": ["website"],
            "numbers": numbers(f"1{area}200", 1000),
            "swap_targets": [f"+1{area}2019000"],
            "allow_overflow": False,
            "landing_url": LANDING,
            "hold_on_activity": "10m",
            "budget": {"rate": 0},
            "min_duration": "10m",
        },
    )


async def _drain(target: Target, size: int, requests: Callable[[int], bytes]) -> Faulty:
    """Ask for ``size`` tuples of a pool of 1,000; the attacker may hold 200 and others get one."""
    _pool_of_a_thousand(target, "greed")
    before = target.status("greed")["held"]
    await _ask_many(target, [requests(place) for place in range(size)])
    held = target.status("greed")["held"] - before
    faulty = [] if held <= 200 else [f"the attacker holds {held} of 1,000 numbers"]
    page = f"https://a.example/?website=honest-{random.random()}"
    query = {"account": "mallory", "url": page, "pool": "greed"}
    answer = (await _get(f"{target.url}/v1/swap", "8.8.4.77", query)).json()
    if [swap["state"] for swap in answer["swaps"]] != ["new"]:
        faulty.append(f"the next visitor got {answer}")
    return faulty


@_abuse(2_000, "forged or no Origin, a new tuple each time: `/v1/swap`")
async def forged_origins(target: Target, size: int, _seconds: float) -> Faulty:
    def ask(place: int) -> bytes:
        page = f"https://a.example/?website={random.getrandbits(64)}"
        query = urlencode({"account": "mallory", "url": page, "pool": "greed"})
        origin = ("Origin: https://a.example",) if place % 2 else ()
        return request("GET", f"/v1/swap?{query}", *origin)

    return await _drain(target, size, ask)


@_abuse(2_000, "image tags on any page, a new tuple each time: `/t/`")
async def image_tags(target: Target, size: int, _seconds: float) -> Faulty:
    return await _drain(
        target, size, lambda _: request("GET", f"/t/greed?website={random.getrandbits(64)}")
    )


@_abuse(2_000, "pings for what another visitor was given")
async def pings_of_others(target: Target, size: int, _seconds: float) -> Faulty:
    """What a visitor holds is as it was, and the attacker holds nothing more by it."""
    _pool_of_a_thousand(target, "pinged")
    page = f"https://a.example/?website={HONEST_VALUE}-{random.getrandbits(32)}"
    query = {"account": "mallory", "url": page, "pool": "pinged"}

    first = (await _get(f"{target.url}/v1/swap", "8.8.4.78", query)).json()
    number = first["swaps"][0]["number"]
    before = target.managers("GET", f"numbers/{number}").json()
    await _ask_many(target, [request("GET", f"/v1/ping?{urlencode(query)}")] * size)
    after = target.managers("GET", f"numbers/{number}").json()
    if before.get("guaranteed_until") != after.get("guaranteed_until"):
        return [f"{before} became {after}"]
    return []


@_abuse(20, "connections that send 20,000 × `GET /openapi.json` and never read")
async def unread_pipelining(target: Target, size: int, seconds: float) -> Faulty:
    ask = request("GET", "/openapi.json") * 20_000
    async with _attackers(target, size) as attackers:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await _with_all(attackers, lambda each: each.send(ask))
                await asyncio.sleep(seconds)
    return []


@_abuse(20, "connections that send `GET /openapi.json` without end and read it all")
async def read_pipelining(target: Target, size: int, seconds: float) -> Faulty:
    ask = request("GET", "/openapi.json") * 500

    async def both(attacker: _Attacker) -> None:
        async def read() -> None:
            while await attacker.reader.read(262_144):
                pass

        reading = asyncio.ensure_future(read())
        while await attacker.send(ask):
            pass
        await reading

    async with _attackers(target, size) as attackers:
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(seconds):
                await _with_all(attackers, both)
    return []


@_abuse(290, "connections with `Content-Length: 10` and one byte")
async def unfinished_bodies(target: Target, size: int, seconds: float) -> Faulty:
    begun = request("POST", "/v1/ping?account=mallory", "Content-Type: text/plain")
    begun = begun.replace(b"Content-Length: 0", b"Content-Length: 10") + b"a"
    async with _attackers(target, size) as attackers:
        await _with_all(attackers, lambda each: each.send(begun))
        await asyncio.sleep(seconds)
    return []


@_abuse(20, "bodies of 4 MB under way, with a key and without, one byte short")
async def long_bodies(target: Target, size: int, seconds: float) -> Faulty:
    body = b" " * (4 * 1024 * 1024 - 1)

    def begun(place: int) -> bytes:
        length = f"Content-Length: {len(body) + 1}"
        head: tuple[str, ...]
        match place % 3:
            case 0:
                head = ("POST /api/v1/bulk.json HTTP/1.1", _JSON, length)
            case 1:
                key = _as(MALLORY_API_KEY)
                head = ("PATCH /admin/v1/pools/mallory-custom HTTP/1.1", _JSON, key, length)
            case _:
                head = ("POST /api/v1/bulk.json HTTP/1.1", _JSON, _as(MALLORY_KEY), length)
        return "\r\n".join((head[0], "Host: a", *head[1:], "", "")).encode()

    async with _attackers(target, size) as attackers:
        for place, attacker in enumerate(attackers):
            attacker.writer.write(begun(place))
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds + 5):
                await _with_all(attackers, lambda each: each.send(body))
                await asyncio.sleep(seconds)
    return []


@_abuse(20, "connections that send one chunk header after the other, byte by byte")
async def chunk_headers(target: Target, size: int, seconds: float) -> Faulty:
    head = (
        b"POST /v1/ping?account=mallory HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    ends = time.monotonic() + seconds

    async def trickle(attacker: _Attacker) -> None:
        alive = await attacker.send(head)
        for piece in itertools.cycle((b"1", b"\r", b"\n", b"a", b"\r", b"\n")):
            if not alive or time.monotonic() > ends:
                return
            alive = await attacker.send(piece)
            await asyncio.sleep(0.01)

    async with _attackers(target, size) as attackers:
        await _with_all(attackers, trickle)
    return []


@_abuse(2_000_000, "zeros as a pool's `numbers`")
async def zeros(target: Target, size: int, _seconds: float) -> Faulty:
    body = b'{"numbers":[0%s]}' % (b",0" * (size - 1))
    head = (_as(MALLORY_API_KEY), _JSON)
    (answer,) = await _ask_many(
        target, [request("PATCH", "/admin/v1/pools/mallory-custom", *head, body=body)]
    )
    expected = 422 if len(body) <= 4 * 1024 * 1024 else 413
    if answer.status != expected:
        return [f"{answer.status}, not {expected}"]
    return [] if len(answer.body) < 64_000 else [f"an answer of {len(answer.body)} bytes"]


@_abuse(200_000, "good numbers in one change")
async def good_numbers(target: Target, size: int, _seconds: float) -> Faulty:
    document = {
        "account": "mallory",
        "key": MALLORY_KEY,
        "parameters": ["website"],
        "allow_overflow": False,
        "numbers": [f"+1718{200_0000 + index}" for index in range(size)],
    }
    body = json.dumps(document, separators=(",", ":")).encode()
    head = (_as(MALLORY_API_KEY), _JSON)
    faulty = []
    (answer,) = await _ask_many(target, [request("PUT", "/admin/v1/pools/long", *head, body=body)])
    if len(body) > 4 * 1024 * 1024:
        return [] if answer.status == 413 else [f"{answer.status}, not 413"]
    if answer.status not in (201, 428):
        faulty.append(f"{answer.status}: {answer.body[:200]!r}")
    (answer,) = await _ask_many(
        target,
        [request("PATCH", "/admin/v1/pools/long", *head, body=b'{"numbers":[]}')],
    )
    if answer.status != 200:
        faulty.append(f"{answer.status}: {answer.body[:200]!r}")
    return faulty


@_abuse(3_000, "requests sent ahead that each offer another protocol")
async def pipelined_upgrades(target: Target, size: int, _seconds: float) -> Faulty:
    ask = request("GET", "/livez", "Connection: Upgrade", "Upgrade: h2c")
    last = request("GET", "/livez", "Connection: close")
    async with _attackers(target, 1) as (attacker,):
        reading = asyncio.ensure_future(attacker.answers())
        await attacker.send(ask * size + last)
        statuses = Counter(answer.status for answer in await reading)
    return [] if statuses == {200: size + 1} else [f"{dict(statuses)} of {size + 1}"]


@_abuse(50, "ids and keys with a newline at the end")
async def trailing_newlines(target: Target, size: int, _seconds: float) -> Faulty:
    document = {"account": "mallory", "parameters": ["website"], "allow_overflow": False}
    manager = (_as(MALLORY_API_KEY), _JSON)

    def put(path: str, more: dict[str, Any]) -> bytes:
        return request("PUT", path, *manager, body=json.dumps(document | more).encode())

    asked = [
        put("/admin/v1/pools/mallory-new%0A", {}),
        put("/admin/v1/pools/mallory-new", {"key": f"{MALLORY_KEY}\n"}),
        put("/admin/v1/pools/mallory-new", {"account": "mallory\n"}),
        put("/admin/v1/pools/mallory-new", {"id": "mallory-new\n"}),
        request("GET", "/admin/v1/pools/mallory-custom%0A", *manager),
        request("GET", "/t/mallory-custom%0A?website=one"),
        request("GET", "/v1/swap?account=mallory%0A&url=https://a.example/"),
        request("GET", "/dni.js?account=mallory%0A&callback=a%0A"),
        request("GET", "/v1/swap?account=mallory&url=https://a.example/&callback=a%0A"),
        request(
            "GET",
            f"/api/v1/ring_pools/mallory-custom/allocate_number.json?ring_pool_key={MALLORY_KEY}%0A",
        ),
        request("GET", "/api/v1/ring_pools/mallory-custom%0A/allocate_number.json"),
        request("GET", "/api/2014-01-01%0A/ring_pools/mallory-custom/allocate_number.json"),
    ]
    faulty = []
    for each in asked:
        for answer in await _ask_many(target, [each] * max(1, size // len(asked)), 1):
            if not 400 <= answer.status < 500 and b"error" not in answer.body[:400]:
                faulty.append(f"{answer.status} for {each.splitlines()[0]!r}")
                break
    return faulty


@_abuse(10, "two accounts race for one id")
async def race_for_an_id(target: Target, size: int, _seconds: float) -> Faulty:
    """One gets it, with its own fields; the other learns nothing."""
    faulty = []
    async with _attackers(target, 4) as connections:
        for place in range(size):
            name = f"raced-{place}-{random.getrandbits(32)}"
            asked = []
            for side, key in enumerate((HONEST_API_KEY, MALLORY_API_KEY)):
                account = ("honest", "mallory")[side]
                document = {
                    "account": account,
                    "name": f"of {account}",
                    "parameters": ["website"],
                    "allow_overflow": False,
                }
                body = json.dumps(document).encode()
                asked.append(request("PUT", f"/admin/v1/pools/{name}", _as(key), _JSON, body=body))
            for attacker, ask in zip(connections, asked * 2, strict=True):
                attacker.writer.write(ask)
            answers = [await attacker.answer() for attacker in connections]
            for side, answer in zip((0, 1, 0, 1), answers, strict=True):
                other = ("mallory", "honest")[side]
                if answer is None or other.encode() in answer.body:
                    faulty.append(f"round {place}: {answer}")
            statuses = sorted(answer.status for answer in answers if answer)
            if statuses.count(201) != 1:
                faulty.append(f"round {place}: {statuses}")
            target.managers("DELETE", f"pools/{name}")
    return faulty


@_abuse(2, "an id used again by another account")
async def former_owners(target: Target, size: int, _seconds: float) -> Faulty:
    """Its new owner learns nothing of what it was before."""
    faulty = []
    number = "+16462059000"
    for place in range(size):
        for account, key in (("honest", HONEST_API_KEY), ("mallory", MALLORY_API_KEY)):
            document = {
                "account": account,
                "key": MALLORY_KEY,
                "parameters": ["website"],
                "allow_overflow": False,
                "min_duration": "1s",
                "numbers": [number],
            }
            target.make("pools/reused", document)
            path = f"numbers/{number}"
            if account == "honest":
                url = f"{target.url}/api/v1/ring_pools/reused/allocate_number.json"
                value = f"{HONEST_VALUE}-{place}"
                await _get(url, "8.8.4.79", {"ring_pool_key": MALLORY_KEY, "website": value})
            else:
                url = f"{target.url}/admin/v1/{path}"
                past = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 1.5))
                now = await _get(url, "8.8.4.79", {}, key)
                then = await _get(url, "8.8.4.79", {"at": past}, key)
                if HONEST_VALUE in now.text + then.text:
                    faulty.append(f"{now.text} {then.text}")
            target.managers("PATCH", "pools/reused", {"numbers": []})
            limit = time.monotonic() + 15
            while target.managers("DELETE", "pools/reused").status_code == 409:
                if time.monotonic() > limit:
                    return [*faulty, "the pool didn't drain"]
                await asyncio.sleep(0.2)
    return faulty


@_abuse(200, "a forged Host, and none, and two")
async def hosts(target: Target, size: int, _seconds: float) -> Faulty:
    """What caches keep is the same whatever the Host; links lead to this service."""
    evil = b"Host: evil.example"
    key = f"ring_pool_key={MALLORY_KEY}&website=one"
    faulty = []
    paths = (
        "/dni.js?account=mallory",
        f"/api/v1/ring_pools/mallory-custom/allocate_number.json?{key}",
        "/t/mallory-custom?website=one",
    )
    asked = [request("GET", path).replace(b"Host: a", evil) for path in paths]
    faulty += [
        f"{answer}"
        for answer in await _ask_many(target, asked * (size // 3))
        if answer.status >= 400 or b"evil" in answer.body + repr(answer.headers).encode()
    ]
    for lines in (b"Host: a\r\nHost: a", b"Host: a\r\nHost: b", b"X: y"):
        ask = request("GET", "/livez").replace(b"Host: a", lines)
        (answer,) = await _ask_many(target, [ask], 1)
        if answer.status != 400:
            faulty.append(f"{answer.status} for {lines!r}")
    return faulty


@_abuse(100_000, "bytes of YAML whose aliases multiply")
async def alias_yaml(_target: Target, size: int, _seconds: float) -> Faulty:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for name, before in zip("bcdefgh", "abcdefg", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]")
    start = "\n".join(lines) + "\npools:\n"
    for text in (
        start + "- *h\n" * (size // 5),
        "accounts:\n- &a {id: x, name: y}\n" + "- *a\n" * (size // 5),
        "pools: &a [" + "*a, " * (size // 4) + "]",
        "[" * size,
        "accounts: [" + "{id: a}, " * (size // 9) + "]",
    ):
        started = time.process_time()
        refused = await asyncio.to_thread(_refused, text)
        took = time.process_time() - started
        if not refused or took > 20 * size / 100_000:
            return [f"{took:.1f} s, refused: {refused}: {text[:60]!r}"]
    return []


def _refused(text: str) -> bool:
    try:
        config_file.read(text)
    except Faults:
        return True
    return False


@_abuse(1, "escape sequences in names, on the operator's terminal")
async def escape_sequences(target: Target, _size: int, _seconds: float) -> Faulty:
    name = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"
    document = {"account": "mallory", "name": name, "parameters": ["website"]}
    body = json.dumps(document | {"allow_overflow": False}).encode()
    ask = request("PUT", "/admin/v1/pools/escaped", _as(MALLORY_API_KEY), _JSON, body=body)
    (answer,) = await _ask_many(target, [ask], 1)
    if answer.status >= 500:
        return [f"{answer.status}"]
    for words in (("pool", "list"), ("pool", "show", "mallory-custom"), ("export",)):
        printed = await asyncio.to_thread(
            subprocess.run,
            [RINGPOOL, *words],
            capture_output=True,
            cwd=target.folder,
            env={**environment(), "RINGPOOL_ADMIN_TOKEN": ADMIN},
            check=False,
        )
        text = (printed.stdout + printed.stderr).decode()
        if re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text):
            return [f"ringpool {' '.join(words)}: {text!r}"]
    return []


@_abuse(2_000, "User-Agents of 1 KB that nobody has sent before")
async def nonsense_agents(target: Target, size: int, _seconds: float) -> Faulty:
    query = urlencode({"account": "mallory", "url": "https://a.example/?website=one"})

    def ask(place: int) -> bytes:
        name = random.Random(place).randbytes(512).hex()
        return request("GET", f"/v1/swap?{query}", f"User-Agent: {name}")

    statuses = Counter(
        answer.status for answer in await _ask_many(target, [ask(place) for place in range(size)])
    )
    return [] if statuses == {200: size} else [f"{dict(statuses)}"]


@_abuse(5_000, "bytes that are no request, and requests of nothing that is there")
async def refused_by_the_thousand(target: Target, size: int, _seconds: float) -> Faulty:
    """All are refused, and the log stays short."""
    before = target.log.stat().st_size
    await _ask_many(target, [request("GET", f"/nowhere/{place}") for place in range(size)])
    for _ in range(size // MANY):
        async with _attackers(target, MANY) as attackers:
            await _with_all(attackers, lambda each: each.send(b"\x16\x03\x01\r\n\r\n"))
            await _with_all(attackers, lambda each: each.answers())
    grown = target.log.stat().st_size - before
    return [] if grown < 300_000 else [f"{grown} bytes of log for {2 * size} refusals"]


@_abuse(500, "clients that reset the connection amid what they asked for")
async def resets(target: Target, size: int, _seconds: float) -> Faulty:
    before = target.log.stat().st_size
    begun = [
        request("GET", "/openapi.json") * 20,
        request("GET", "/readyz") * 3,
        request("POST", "/api/v1/bulk.json", _JSON, body=b"{").replace(b"th: 1", b"th: 9"),
        request("GET", "/admin/v1/pools", _as(MALLORY_API_KEY)) * 5,
    ]
    for place in range(size // 20):
        async with _attackers(target, 20) as attackers:
            await _with_all(attackers, lambda each: each.send(begun[place % 4]))  # noqa: B023
            if place % 4 != 2:  # those answers begin
                await _with_all(attackers[::2], lambda each: each.reader.read(1))
    return target.errors(before)


@_abuse(10, "what another account has, asked for with a key of one's own")
async def oracles(target: Target, size: int, _seconds: float) -> Faulty:
    """What is another's is answered as what isn't there."""
    key = _as(MALLORY_API_KEY)
    faulty = []
    for there, nowhere in (
        ("pools/honest", "pools/nowhere"),
        ("pools/honest/numbers", "pools/nowhere/numbers"),
        ("pools/honest/status", "pools/nowhere/status"),
        ("accounts/honest", "accounts/nowhere"),
        (f"numbers/{quote('+12127770000')}", f"numbers/{quote('+12127780000')}"),
    ):
        asked = [request("GET", f"/admin/v1/{path}", key) for path in (there, nowhere)] * size
        answers = await _ask_many(target, asked, 1)
        told = {
            (answer.status, re.sub(rb"honest|nowhere|\+121277[78]0000", b"?", answer.body))
            for answer in answers
        }
        if len(told) != 1:
            faulty.append(f"{there}: {told}")
    return faulty
