"""The ``ringpool`` command. One module a group of commands; ``session`` opens what they need."""

from __future__ import annotations

import click

from ringpool import __version__
from ringpool.cli import (
    backup,
    call,
    check,
    check_page,
    configure,
    doctor,
    explain,
    key,
    log,
    notify,
    number,
    person,
    pool,
    report,
    route,
    serve,
    signing_key,
    size,
    stock,
    tags,
)
from ringpool.cli.output import warn
from ringpool.settings import misspelt


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ringpool")
def main() -> None:
    """Dynamic number insertion: every traffic source gets its own phone number.

    Settings come from the environment: see `ringpool serve --help`. Every command that shows
    something takes --json, for programs.
    """
    for line in misspelt():
        warn(line)


main.add_command(serve.serve_command)
main.add_command(configure.apply)
main.add_command(configure.export)
main.add_command(log.log)
main.add_command(log.undo)
main.add_command(pool.pool)
main.add_command(stock.stock)
main.add_command(notify.notify)
main.add_command(key.key)
main.add_command(number.number)
main.add_command(route.route)
main.add_command(call.call)
main.add_command(explain.explain)
main.add_command(size.size_command)
main.add_command(report.report_command)
main.add_command(person.person)
main.add_command(person.forget)
main.add_command(signing_key.signing_key)
main.add_command(tags.snippet)
main.add_command(tags.link)
main.add_command(doctor.doctor)
main.add_command(check.check)
main.add_command(backup.backup)
main.add_command(backup.restore)
main.add_command(backup.reopen)
main.add_command(check_page.check_page_command)
