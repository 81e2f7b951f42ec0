"""What others are compared with: a bare Starlette endpoint, its body BARE_LENGTH bytes."""

from __future__ import annotations

import os

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_BODY = b'{"promo_number":"' + b"8" * (int(os.environ["BARE_LENGTH"]) - 19) + b'"}'


async def _bare(_request: Request) -> Response:
    return Response(_BODY, media_type="application/json")


app = Starlette(routes=[Route("/bare", _bare)])
