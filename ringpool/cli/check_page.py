"""``ringpool check-page``: why the numbers of a page are swapped, or aren't."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ringpool.cli.output import as_json, print_findings, print_json, say
from ringpool.page_check.check import NOWHERE, check_page
from ringpool.page_check.look import CannotLook

CANNOT_LOOK = 2


@click.command("check-page")
@click.argument("page", metavar="PAGE")
@click.option(
    "--at", metavar="URL", help="The address of FILE on the web: for its origin and relative links."
)
@click.option(
    "--browser",
    metavar="PATH",
    envvar="RINGPOOL_CHROMIUM",
    help="The Chromium or Chrome to look with; default: the first one found.",
)
@click.option("--no-browser", is_flag=True, help="Read the HTML alone; run no script.")
@as_json
def check_page_command(
    page: str, at: str | None, browser: str | None, no_browser: bool, as_json: bool
) -> None:
    """Look at a page (a URL or a file) as visitors do; tell what becomes of its numbers and why.

    The page runs in a real browser where there is one (pip install 'ringpool[check]' and a
    Chromium), else its HTML is read. The script runs as with ?rp_test=1: no number is taken. The
    service is the one that the page's tag names; no setting and no store is needed.

    \b
    Exit status: 0  nothing is wrong (warnings may be there)
                 1  something is
                 2  the page couldn't be looked at
    """
    try:
        url, body = _read(page, at)
        report = check_page(url, body, executable=browser, use_browser=not no_browser)
    except CannotLook as error:
        say(f"Error: {error}", error=True)
        sys.exit(CANNOT_LOOK)
    if as_json:
        print_json(report)
    else:
        print_findings(report.findings)
    sys.exit(0 if report.fine else 1)


def _read(page: str, at: str | None) -> tuple[str, bytes | None]:
    """The page's address, and its HTML if it is a file."""
    if page.lower().startswith(("http://", "https://")):
        if at is not None:
            raise click.UsageError("--at is for a FILE: a URL is where it is")
        return page, None
    if at is not None and not at.lower().startswith(("http://", "https://")):
        raise click.BadParameter("expected an http or https address", param_hint="--at")
    try:
        return at or NOWHERE, Path(page).read_bytes()
    except OSError as error:
        raise CannotLook(f"{page}: {error.strerror or error}") from None
