"""``ringpool snippet`` and ``ringpool link``: the tag for pages, the link for campaigns."""

from __future__ import annotations

from html import escape

import click

from ringpool.catalog.page_settings import page_settings
from ringpool.cli import reach
from ringpool.cli.output import as_json, print_json, say
from ringpool.cli.session import command, open_session
from ringpool.faults import Fault
from ringpool.visits.pool_tuples import parameter_names
from snippet import bundle


@click.command()
@click.argument("account")
@click.option(
    "--pinned",
    is_flag=True,
    help="A tag for one version, with an integrity hash and the settings inside: print it again "
    "after swap targets change.",
)
@as_json
@command
async def snippet(account: str, pinned: bool, as_json: bool) -> None:
    """Print the script tag for the pages of ACCOUNT.

    When its address isn't the service's, that is said on stderr.
    """
    async with open_session() as session:
        snapshot = await session.snapshot()
        base = session.public_url
        owner = snapshot.accounts.get(account)
        if owner is None:
            raise Fault("account", f"there is no account {account}")
        if pinned:
            key = session.settings.open_keyring().signer.public_key
            settings = bundle.pinned_settings(page_settings(snapshot, owner, base, key))
            attributes = {
                "src": f"{base}/dni/{bundle.VERSION}/dni.js",
                "integrity": bundle.INTEGRITY,
                "crossorigin": "anonymous",
                "data-account": account,
                "data-settings": settings,
            }
        else:
            attributes = {"src": f"{base}/dni.js?account={account}", "data-account": account}
        warning = await reach.warning(session, attributes["src"], 200)
    written = " ".join(f'{name}="{escape(value)}"' for name, value in attributes.items())
    tag = f"<script async {written}></script>"
    if as_json:
        print_json({"tag": tag, "attributes": attributes} | _warned(warning))
    else:
        say(tag)
    _warn(warning)


@click.command()
@click.argument("pool")
@as_json
@command
async def link(pool: str, as_json: bool) -> None:
    """Print the tracking link of POOL, with a placeholder for each parameter.

    When its address isn't the service's, that is said on stderr.
    """
    async with open_session() as session:
        prepared = (await session.snapshot()).pools.get(pool)
        base = session.public_url
        if prepared is None:
            raise Fault("pool", f"there is no pool {pool}")
        if prepared.pool.landing_url is None:
            raise Fault("landing_url", f"pool {pool} has none, so its link would lead nowhere")
        warning = await reach.warning(session, f"{base}/t/{pool}", 302)
    names = parameter_names(prepared.pool)
    query = "&".join(f"{name}={{{name}}}" for name in names)
    url = f"{base}/t/{pool}?{query}"
    if as_json:
        shown = {"url": url, "parameters": names, "landing_url": prepared.pool.landing_url}
        print_json(shown | _warned(warning))
    else:
        say(url)
    _warn(warning)


def _warned(warning: str) -> dict[str, str]:
    return {"warning": warning} if warning else {}


def _warn(warning: str) -> None:
    if warning:
        say(f"warning: {warning}", error=True)
