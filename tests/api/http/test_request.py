"""A request as endpoints read it."""

from __future__ import annotations

from typing import Any

import pytest

from api.http.refusals import Refusal
from api.http.request import Request


@pytest.mark.parametrize("last", ["http.disconnect", "http.request"], ids=["closed", "too long"])
async def test_a_body_that_is_refused_occupies_nothing(last: str) -> None:
    """Whoever keeps the refusal, and the frames of its traceback, keeps none of the body."""
    pieces = [{"type": "http.request", "body": b"x" * 1000, "more_body": True} for _ in range(3)]
    messages = iter([*pieces, {"type": last, "body": b"x" * 1000, "more_body": True}])

    async def receive() -> Any:
        return next(messages)

    scope = {"method": "POST", "headers": [], "state": {"services": None}}
    request = Request(scope, receive)
    with pytest.raises(Refusal) as raised:
        await request.body(3500)
    frames = [entry.frame.f_locals.get("body") for entry in raised.traceback]
    assert [body for body in frames if isinstance(body, bytearray)] == [b""]
