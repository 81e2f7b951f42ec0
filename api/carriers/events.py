"""For carriers: their webhooks, each with its signature checked, recorded as events of calls."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from api.calls.told import MAX_BODY_BYTES, CallReplies, CallReply, record_body
from api.http import lookups, replies
from api.http.description import JSON, Operation, content, parameter, too_large
from api.http.endpoint import Endpoint, problem_form
from api.http.refusals import Refusal
from api.http.replies import Reply
from api.http.request import Request
from api.managers.callers import Caller
from ringpool.carriers.delivery import FORM, Delivery
from ringpool.carriers.providers import GENERIC, PROVIDERS, is_genuine, is_set_up, read
from ringpool.model import Carriers, Identifier, Scope
from ringpool.patterns import whole

NOT_SIGNED = "not signed with a secret of this account"

Provider = Annotated[str, Meta(pattern=whole("|".join(PROVIDERS)))]
"""One of them, by its name."""


class CarrierReply(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How many events were recorded, now or before, and why others weren't."""

    recorded: int
    ignored: tuple[str, ...] = ()


async def _receive(request: Request) -> Reply:
    provider, account = request.path("provider"), request.path("account")
    delivery = await genuine_delivery(request, provider, account)
    recorder = request.services.recorder
    if provider == GENERIC:
        caller = Caller(account, scopes=frozenset({Scope.CALLS}))
        return await record_body(request, delivery.body, caller)
    told = read(provider, delivery, await carriers_of(request, provider, account))
    recorded = await recorder.record(told.events, account)
    unknown = [each.event.number for each in recorded if each.credit is None]
    ignored = [told.ignored] if told.ignored else []
    ignored += [f"{number} is in no pool or stock" for number in dict.fromkeys(unknown)]
    return replies.json(CarrierReply(recorded=len(recorded) - len(unknown), ignored=tuple(ignored)))


async def genuine_delivery(request: Request, provider: str, account: str) -> Delivery:
    """What a carrier of the account's posted; raises Refusal 403, 404 or 413."""
    carriers = await carriers_of(request, provider, account)
    delivery = Delivery(
        url=_address(request),
        headers=request.headers,
        body=await request.body(MAX_BODY_BYTES),
        received_at=request.services.recorder.now_ms(),
    )
    if not is_genuine(provider, delivery, carriers):
        raise Refusal(403, "InvalidSignature", NOT_SIGNED)
    request.scope["account"] = account
    return delivery


async def carriers_of(request: Request, provider: str, account_id: str) -> Carriers:
    """What the account knows its carriers by; raises Refusal 404 unless this one is among them."""
    services = request.services

    def found() -> Carriers | None:
        account = services.snapshot.accounts.get(account_id)
        carriers = account.carriers if account else None
        return carriers if carriers and is_set_up(provider, carriers) else None

    if provider in PROVIDERS and found() is None:
        await services.keeper.look()  # it may have been set up just now
        await lookups.check_started(services)
    carriers = found() if provider in PROVIDERS else None
    if carriers is None:
        message = f"account {account_id[:63]!r} has no carrier {provider[:63]!r}"
        raise Refusal(404, "UnknownCarrier", message)
    return carriers


def _address(request: Request) -> str:
    """The address that the carrier posted to, which some sign: as it wrote it, and not as a proxy
    asks for it here."""
    path = request.scope["raw_path"].decode("latin-1")
    query = request.query_string.decode("latin-1")
    return f"{request.base_url()}{path}" + (f"?{query}" if query else "")


_PROVIDER = parameter(
    "provider",
    Provider,
    "path",
    text="Which carrier's form and signature it is; `generic`: that of your own software",
    example="freeswitch",
)
_ACCOUNT = parameter(
    "account", Identifier, "path", text="The account whose numbers are called", example="newspress"
)
carrier_events = Endpoint(
    "carriers",
    problem_form,
    {"POST": _receive},
    [
        Operation(
            "POST",
            "receive_carrier_events",
            "A carrier tells of a call",
            {200: content({"anyOf": [CarrierReply, CallReply, CallReplies]})},
            (403, 404, 413, 422),
            parameters=(_PROVIDER, _ACCOUNT),
            body=content({}, JSON, FORM),
            security=("CarrierLogin", "CarrierSignature"),
            tag="calls",
            refusals={
                403: ("InvalidSignature", NOT_SIGNED),
                404: ("UnknownCarrier", "account 'newspress' has no carrier 'freeswitch'"),
                413: too_large(MAX_BODY_BYTES),
                422: ("InvalidDocument", "variables: needed: what is known of the call"),
            },
            classes={403: ["InvalidSignature"]},
            text="The body is the carrier's own: Twilio's status callbacks, signed in "
            "`X-Twilio-Signature`; Telnyx' webhooks, signed in `telnyx-signature-ed25519`; "
            "FreeSWITCH's `mod_json_cdr`, with user and password. `generic` is what `POST "
            "/v1/calls` takes and answers, signed in `Ringpool-Signature`. Events may come in any "
            "order, late and more than once.",
            example={
                "channel_data": {"direction": "inbound"},
                "variables": {
                    "uuid": "7c3f8a2e-4b1d-4a5e-9f60-2d8c1b7e0a43",
                    "sip_req_user": "18885550101",
                    "start_epoch": "1795838340",
                    "answer_epoch": "1795838350",
                    "end_epoch": "1795838395",
                    "billsec": "45",
                    "hangup_cause": "NORMAL_CLEARING",
                },
                "callflow": {"caller_profile": {"caller_id_number": "12125550177"}},
            },
            examples={200: {"recorded": 3}},
        )
    ],
)
