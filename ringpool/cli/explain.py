"""``ringpool explain``: why a visit would get which number."""

from __future__ import annotations

from time import time

import click

from ringpool.catalog.snapshot import Snapshot
from ringpool.cli.output import as_json, print_json, print_pairs, print_table, say
from ringpool.cli.session import command, open_session
from ringpool.explanation import Explainer, Explanation, TargetExplained
from ringpool.faults import Fault
from ringpool.security.keeping import seal_for
from ringpool.visits.described import DescribedVisit


@click.command()
@click.option("--url", required=True, help="The page's URL.")
@click.option("--ref", default="", help="The page's referrer.")
@click.option("--agent", default="", help="The visitor's User-Agent.")
@click.option("--account", help="Whose page it is; needed where there are several accounts.")
@click.option("--country", default="", help="The visitor's country, two letters.")
@click.option("--area", default="", help="The visitor's telephone area codes, with commas.")
@click.option("--address", default="", help="The visitor's address, for budgets.")
@click.option("--visitor", default="", help="The visitor's id.")
@click.option("--first-url", default="", help="URL of the visitor's first visit.")
@click.option("--first-ref", default="", help="Its referrer.")
@as_json
@command
async def explain(account: str | None, as_json: bool, **described: str) -> None:
    """Say which pool a visit gets its numbers from, and why. Nothing is taken."""
    visit = DescribedVisit.read({name: value for name, value in described.items() if value})
    async with open_session() as session:
        snapshot = await session.snapshot()
        account_id = _account(snapshot, account)
        signer = session.settings.open_keyring().signer
        explainer = Explainer(snapshot, session.allocator, signer, seal_for(signer))
        explained = await explainer.explain(
            account_id,
            snapshot.targets(account_id),
            visit.click(snapshot.accounts),
            time(),
            is_visitor=visit.is_visitor,
        )
    if as_json:
        print_json(explained)
    else:
        _print(explained)


def _account(snapshot: Snapshot, named: str | None) -> str:
    if named is None and len(snapshot.accounts) == 1:
        return next(iter(snapshot.accounts))
    if named is None:
        raise Fault("account", f"name one of {', '.join(snapshot.accounts) or 'none'}")
    if named not in snapshot.accounts:
        raise Fault("account", f"there is no account {named}")
    return named


def _print(explained: Explanation) -> None:
    print_pairs(explained.visit.items())
    for target in explained.targets:
        say()
        print_pairs(_rows(target))
        rules = [
            (
                "yes" if considered.matched else "no",
                considered.priority,
                considered.pool,
                "; ".join(
                    f"{each.field} {'fits' if each.met else 'fails'}: "
                    f"{', '.join(each.values) or 'nothing'}"
                    for each in considered.conditions
                )
                or "every visit",
            )
            for considered in target.rules
        ]
        print_table(("fits", "priority", "pool", "conditions"), rules)


def _rows(target: TargetExplained) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = [("target", target.target)]
    if target.pool:
        why = _WHY[target.why]
        if target.fallback_from:
            why = f"in place of {target.fallback_from}, {why}"
        rows.append(("pool", f"{target.pool} ({why})"))
    if target.tuple is not None:
        text = "&".join(f"{name}={value}" for name, value in target.tuple.items())
        rows.append(("tuple", text or "(direct traffic)"))
    rows.append(("state", target.state.value))
    if target.number:
        rows.append(("number", target.number))
    if target.reason:
        message = f": {target.message}" if target.message else ""
        rows.append(("why none", f"{target.reason}{message}"))
    return rows


_WHY = {
    "link": "a tracking link's number",
    "kept": "the visitor keeps it",
    "rule": "the first that fits",
    "no_rule": "",
}
