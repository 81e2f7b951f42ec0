"""For pages: whether a number that came with a tracking link was signed here."""

from __future__ import annotations

import re
from time import time

from msgspec import Struct

from api.http import lookups
from api.http.description import Described, Operation, Schema, parameter, response
from api.http.endpoint import Endpoint
from api.http.parameters import NotEmpty
from api.http.replies import Reply
from api.http.request import Request
from api.pages import origins
from api.pages.page_operations import error_example
from api.pages.page_replies import callback_name, error_form, page_reply
from api.pages.swap_answers import Swaps
from ringpool.faults import Fault
from ringpool.patterns import whole


class Verdict(Struct, frozen=True):
    """The answer of ``/v1/verify``."""

    valid: bool


async def _verify(request: Request) -> Reply:
    """Whether a tracking link's number was signed here and may still be shown."""
    parameters = request.parameters()
    callback = callback_name(parameters)
    number, pool, expires, signature = (
        lookups.required(parameters, name) for name in ("rp_number", "rp_pool", "rp_exp", "rp_sig")
    )
    if not re.fullmatch(r"\d{1,12}", expires, re.ASCII):
        raise Fault("rp_exp", "expected Unix seconds")
    account, known = parameters.get("account", ""), request.services.snapshot.pools.get(pool)
    valid = (
        int(expires) > time()
        and (not account or (known is not None and known.pool.account == account))
        and request.services.signing.keys.verify(number, pool, int(expires), signature)
    )
    return page_reply(callback, Verdict(valid), [origins.ANY])


_SECONDS = {"type": "string", "pattern": whole("[0-9]{1,12}")}


def _signed(name: str, schema: Schema, text: str, example: str) -> Described:
    """One of the four parameters that a tracking link adds."""
    return parameter(name, schema, required=True, text=text, example=example)


_VERIFY = Operation(
    "GET",
    "verify",
    "Whether a tracking link's number is ours",
    {200: Verdict, 400: response("A parameter is missing", Swaps)},
    parameters=(
        _signed("rp_number", NotEmpty, "The number in E.164", "+18885550101"),
        _signed("rp_pool", NotEmpty, "The pool's id", "ad-placement"),
        _signed("rp_exp", _SECONDS, "Until when it may be shown, in Unix seconds", "1795298400"),
        _signed("rp_sig", NotEmpty, "The signature over the three others", "MEUCIQDx"),
        parameter("account", text="Valid only if the pool is this account's", example="newspress"),
    ),
    tag="pages",
    text="For browsers that can't check the signature themselves: whether this service signed the "
    "four parameters that the landing page got, and the time in them isn't over. With "
    "`callback=NAME` the answer is a script (JSONP).",
    examples={
        200: {"valid": True},
        400: error_example(400, ("MissingParameter", "rp_number: missing")),
    },
)
verify = Endpoint("verify", error_form, {"GET": _verify}, [_VERIFY])
