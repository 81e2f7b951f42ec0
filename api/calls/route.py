"""For carriers and call centres: where a call goes, and which click it comes from."""

from __future__ import annotations

from api.http import lookups, replies
from api.http.description import parameter
from api.http.endpoint import Endpoint, problem_form
from api.http.refusals import Refusal
from api.http.replies import Reply
from api.http.request import Request
from api.http.services import Services
from api.managers.callers import ManagedOperation, authenticate
from ringpool.call_routes.call_route import Action, CallRoute
from ringpool.call_routes.given_numbers import called_number, calling_number
from ringpool.faults import Fault
from ringpool.model import Number, Scope


async def _route(request: Request) -> Reply:
    account = authenticate(request).account
    parameters = request.parameters()
    try:
        number = called_number(lookups.required(parameters, "number"))
    except ValueError as error:
        raise Fault("number", str(error)) from None
    caller = calling_number(parameters.get("caller", ""))
    found = await find_route(request.services, number, caller, account)
    if found is None:
        message = f"{number} is in no pool or stock"
        raise Refusal(404, "UnknownNumber", message, action=Action.REJECT)
    return replies.json(found)


async def find_route(
    services: Services, number: str, caller: str, account: str | None
) -> CallRoute | None:
    """What is to be done with a call (``CallRouter.route``), whatever was configured just now."""
    snapshot = services.snapshot
    found = await services.router.route(snapshot, number, caller, account)
    if found is None:
        await services.keeper.look()
        if services.snapshot is not snapshot:
            found = await services.router.route(services.snapshot, number, caller, account)
    return found


_OPERATION = ManagedOperation(
    "GET",
    "route_call",
    "Where a call to a number goes, and which click it comes from",
    {200: CallRoute},
    (400, 401, 404),
    parameters=[
        parameter(
            "number",
            Number,
            required=True,
            text="The number that is called, in E.164; its plus may be left out",
            example="+18885550101",
        ),
        parameter(
            "caller",
            text="Who calls. One that is no number counts for nothing",
            example="+12125550177",
        ),
    ],
    tag="calls",
    scopes=(Scope.CALLS,),
    refusals={
        400: ("MissingParameter", "number: missing"),
        404: ("UnknownNumber", "+18885550101 is in no pool or stock", "reject"),
    },
    text="`action` says what to do: `dial` the `destination`, say the `announcement`, or `reject`. "
    "A number that nobody holds is answered too: its calls go where those of its pool go. No quota "
    "counts these requests, so that no call is lost for one. Nothing is recorded.",
    examples={
        200: {
            "action": "dial",
            "number": "+18885550101",
            "state": "held",
            "account": "newspress",
            "pool": "ad-placement",
            "caller": "+12125550177",
            "destination": "+18885551234",
            "whisper": "A call from one, footer",
            "parameters": "website=one&location=footer&path=home",
            "holder": {
                "pool": "ad-placement",
                "tuple": {"website": "one", "location": "footer", "path": "home"},
                "assigned_at": "2026-11-21T22:00:00Z",
                "guaranteed_until": "2026-11-21T22:10:00Z",
                "clicks": 1,
                "calls": 0,
                "first_click": {"gclid": "Cj0KCQiA"},
                "last_click": {"gclid": "Cj0KCQiA"},
            },
        }
    },
)
route = Endpoint("route", problem_form, {"GET": _route}, [_OPERATION])
