"""For managers: why a visit would get which number, without taking one."""

from __future__ import annotations

from time import time

from api.http import lookups, replies
from api.http.description import parameter
from api.http.endpoint import Endpoint, problem_form
from api.http.refusals import Refusal
from api.http.replies import Reply
from api.http.request import Request
from api.managers.callers import ManagedOperation, authenticate
from ringpool.catalog.routing import Targets
from ringpool.catalog.snapshot import Snapshot
from ringpool.catalog.targets import read_targets
from ringpool.explanation import Explainer, Explanation
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
    explainer = Explainer(snapshot, services.allocator, services.keyring.signer, services.seal)
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


_EXPLAIN = ManagedOperation(
    "GET",
    "explain",
    "Why a visit would get which number; nothing is taken",
    {200: Explanation},
    (400, 401, 404),
    (
        parameter("account", text="Whose page; for an account's key it is that account"),
        parameter("url", text="The page's URL"),
        parameter("ref", text="The page's referrer"),
        parameter("agent", text="The visitor's User-Agent"),
        parameter("country", text="The visitor's country, two letters"),
        parameter("area", text="The visitor's telephone area codes, with commas: 212,646"),
        parameter("visitor"),
        parameter("first_url"),
        parameter("first_ref"),
        parameter("held", text="As for /v1/swap"),
        parameter("targets", text="E.164 numbers, with commas; else all of the account's"),
    ),
)
explain = Endpoint("explain", problem_form, {"GET": _explain}, [_EXPLAIN])
