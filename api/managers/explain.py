"""For managers: why a visit would get which number, without taking one."""

from __future__ import annotations

from time import time

import msgspec

from allocator.answers import State
from api.http import lookups, replies
from api.http.description import parameter
from api.http.parameters import AGENT, VISIT
from api.http.refusals import Refusal
from api.http.replies import Reply
from api.http.request import Request
from api.managers.callers import ManagedOperation, authenticate
from api.managers.managed_endpoint import managed_endpoint
from ringpool.catalog.routing import Targets
from ringpool.catalog.snapshot import Snapshot
from ringpool.catalog.targets import read_targets
from ringpool.explanation import (
    ConditionFound,
    Explainer,
    Explanation,
    PoolConsidered,
    TargetExplained,
)
from ringpool.patterns import whole
from ringpool.visits.described import DescribedVisit


async def _explain(request: Request) -> Reply:
    caller = authenticate(request)
    parameters = request.parameters()
    account_id = parameters.get("account") or caller.account
    if account_id is None:
        account_id = lookups.required(parameters, "account")
    services = request.services
    await services.keeper.refresh()
    snapshot = services.snapshot
    account = snapshot.accounts.get(account_id)
    if account is None or not caller.may_see(account):
        raise Refusal(404, "UnknownAccount", f"there is no account {account_id[:63]!r}")
    visit = DescribedVisit.read(parameters)
    targets = _targets(snapshot, account_id, parameters.get("targets"))
    explainer = Explainer(
        snapshot, services.allocator, services.signing.keys, services.signing.seal
    )
    explained = await explainer.explain(
        account_id,
        targets,
        visit.click(snapshot.accounts),
        time(),
        is_visitor=visit.is_visitor,
    )
    return replies.json(explained)


def _targets(snapshot: Snapshot, account_id: str, wanted: str | None) -> Targets:
    known = snapshot.targets(account_id)
    if wanted is None:
        return known
    return {target: known.get(target, ()) for target in read_targets(wanted)}


_EXAMPLE = Explanation(
    account="newspress",
    visit={
        "medium": "paid",
        "gclid": "EAIaIQ",
        "host": "www.newspress.example",
        "path": "/subscribe",
        "device": "phone",
        "country": "US",
    },
    targets=[
        TargetExplained(
            target="+18005550100",
            why="rule",
            pool="ad-placement",
            tuple={"website": "one", "location": "footer", "path": "/subscribe"},
            state=State.NEW,
            number="+18885550101",
            guaranteed_until="2026-11-21T22:10:00Z",
            rules=[
                PoolConsidered(
                    "ad-placement",
                    100,
                    True,
                    [
                        ConditionFound(
                            "host", "www.newspress.example", ["www.newspress.example"], True
                        )
                    ],
                )
            ],
        )
    ],
)
_EXPLAIN = ManagedOperation(
    "GET",
    "explain",
    "Why a visit would get which number; nothing is taken",
    {200: Explanation},
    (400, 401, 404),
    (
        parameter(
            "account", text="Whose page it is; needless with an account's key", example="newspress"
        ),
        *VISIT,
        AGENT,
        parameter(
            "country",
            {"type": "string", "pattern": whole("([A-Za-z]{2})?")},
            text="The visitor's country, two letters",
            example="US",
        ),
        parameter(
            "area",
            text="The visitor's telephone area codes, with commas",
            example="212,646",
        ),
        parameter(
            "address",
            text="The visitor's, whose network a pool may give no more. Without: no budget",
            example="203.0.113.9",
        ),
        parameter(
            "targets",
            text="Printed numbers in E.164, with commas. Without: every target of the account",
            example="+18005550100",
        ),
    ),
    tag="pools",
    refusals={
        400: ("InvalidParameter", "country: expected two letters"),
        404: ("UnknownAccount", "there is no account 'newspress'"),
    },
    text="A dry run of a page's request: every rule that was tried with what it found, the tuple, "
    "and the state and number that the visitor would get now. Nothing is taken or counted.",
    examples={200: msgspec.to_builtins(_EXAMPLE)},
)
explain = managed_endpoint("explain", {"GET": _explain}, [_EXPLAIN])
