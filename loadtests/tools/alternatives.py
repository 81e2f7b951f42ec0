"""The number API built without Ringpool: on PostgreSQL, and with one EVALSHA a request.

Both answer what ours does, with the key checked, and leave the rest out: no formats but JSON, no
attributes, no history, no growth. ``ALTERNATIVE_URL`` names the database.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import msgspec
from redis.asyncio import BlockingConnectionPool, Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from allocator.keys import pool_keys
from allocator.scripts import load
from loadtests.tools.pools import OVERFLOW, PARAMETERS
from loadtests.tools.requests import KEY
from ringpool.numbers.phone import digits_and_dashed

_ALLOCATE = load("pool/allocate")
_CONNECTIONS = 32
_PATH = "/api/v1/ring_pools/{pool}/allocate_number.json"

SCHEMA = """
CREATE TABLE pools (
  id text PRIMARY KEY, key text NOT NULL, guarantee interval NOT NULL);
CREATE TABLE numbers (
  number text PRIMARY KEY, pool text NOT NULL REFERENCES pools, tuple text,
  assigned_at timestamptz, guaranteed_until timestamptz NOT NULL DEFAULT '-infinity',
  clicks bigint NOT NULL DEFAULT 0, last_click timestamptz);
CREATE UNIQUE INDEX holders ON numbers (pool, tuple) WHERE tuple IS NOT NULL;
CREATE INDEX due ON numbers (pool, guaranteed_until);
"""

_HELD = """
UPDATE numbers SET clicks = clicks + 1, last_click = now() WHERE pool = $1 AND tuple = $2
RETURNING number, guaranteed_until
"""
_TAKE = """
UPDATE numbers SET tuple = $2, assigned_at = now(), clicks = 1, last_click = now(),
  guaranteed_until = now() + (SELECT guarantee FROM pools WHERE id = $1)
WHERE number = (
  SELECT number FROM numbers WHERE pool = $1 AND guaranteed_until <= now()
  ORDER BY guaranteed_until LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING number, guaranteed_until
"""


def _answer(request: Request, number: str, state: str, until: str) -> Response:
    tuple_ = "&".join(f"{name}={request.query_params[name]}" for name in PARAMETERS)
    digits, dashed = digits_and_dashed(number)
    answer = {
        "promo_number": digits,
        "promo_number_formatted": dashed,
        "tracking_url": f"{request.base_url}t/{request.path_params['pool']}?{tuple_}",
        "number": number,
        "state": state,
        "guaranteed_until": until,
    }
    return Response(msgspec.json.encode(answer), media_type="application/json")


def _tuple(request: Request) -> str:
    return "&".join(f"{name}={request.query_params[name]}" for name in PARAMETERS)


def _authorised(request: Request) -> bool:
    return hmac.compare_digest(request.query_params.get("ring_pool_key", ""), KEY)


@asynccontextmanager
async def _postgres(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
    url = os.environ["ALTERNATIVE_URL"]
    async with asyncpg.create_pool(url, min_size=_CONNECTIONS, max_size=_CONNECTIONS) as pool:
        yield {"pool": pool}


async def _on_postgres(request: Request) -> Response:
    if not _authorised(request):
        return PlainTextResponse("InvalidKey", 401)
    pool_id, tuple_ = request.path_params["pool"], _tuple(request)
    async with request.state.pool.acquire() as connection:
        state = "held"
        row = await connection.fetchrow(_HELD, pool_id, tuple_)
        if row is None:
            state = "new"
            row = await connection.fetchrow(_TAKE, pool_id, tuple_)
    if row is None:
        return _answer(request, OVERFLOW, "overflow", "")
    return _answer(request, row["number"], state, row["guaranteed_until"].isoformat())


@asynccontextmanager
async def _redis(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
    connections = BlockingConnectionPool.from_url(
        os.environ["ALTERNATIVE_URL"], max_connections=_CONNECTIONS
    )
    async with Redis(connection_pool=connections) as client:
        await client.script_load(_ALLOCATE.text)
        yield {"client": client}


async def _on_evalsha(request: Request) -> Response:
    if not _authorised(request):
        return PlainTextResponse("InvalidKey", 401)
    pool_id = request.path_params["pool"]
    keys = pool_keys(pool_id)
    arguments = ("", "no", "", _tuple(request), 1, "", "", "")
    reply = await request.state.client.evalsha(_ALLOCATE.sha, len(keys), *keys, *arguments)
    _, _, _, [(code, number, until)], *_ = msgspec.msgpack.decode(reply)
    return _answer(request, number, "held" if code == 2 else "new", str(until))


on_postgres = Starlette(routes=[Route(_PATH, _on_postgres)], lifespan=_postgres)
on_evalsha = Starlette(routes=[Route(_PATH, _on_evalsha)], lifespan=_redis)
