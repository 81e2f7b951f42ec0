"""``ringpool serve``."""

from __future__ import annotations

import textwrap

import click

from ringpool.cli.output import failure
from ringpool.settings import Settings, SettingsError, documented


def _settings_help() -> str:
    """Write the settings as click shows them: a paragraph that starts with \\b isn't rewrapped."""
    lines = ["\b", "Settings (environment):"]
    for name, default, meaning in documented():
        lines.append(f"  {name}")
        text = f"{meaning} (default: {default})".replace("`", "")
        lines += textwrap.wrap(text, 70, initial_indent="      ", subsequent_indent="      ")
    return "\n".join(lines)


@click.command("serve", epilog=_settings_help())
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option(
    "--workers", type=click.IntRange(1, 256), help="Processes; default: RINGPOOL_WORKERS, else 1."
)
@click.option(
    "--accept-empty-store",
    is_flag=True,
    help="Begin anew where files of the embedded store are missing; what is left is set aside.",
)
@click.option("--demo", is_flag=True, help="Add demo accounts and pools, and a page to try.")
def serve_command(
    host: str, port: int, workers: int | None, accept_empty_store: bool, demo: bool
) -> None:
    """Run the service until Ctrl-C."""
    from api.server.serving import serve  # the whole web app: no other command waits for it

    try:
        settings = Settings.from_environment()
        serve(settings, host, port, workers or settings.workers, demo, accept_empty_store)
    except SettingsError as error:
        raise failure(error) from None
