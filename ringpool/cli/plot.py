"""Plots: bars in the terminal, a PNG in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import click

from ringpool.cli.output import print_bars
from ringpool.faults import Fault

TERMINAL = "-"

_INSTALL = "a PNG needs matplotlib: pip install 'ringpool[plot]'"


class Plot(NamedTuple):
    """``lines``: values by what they are, one for each of ``places``; the first are the bars of the
    terminal. ``marked``: the place that a vertical line stands at in a PNG."""

    title: str
    along: str
    places: Sequence[str]
    lines: Mapping[str, Sequence[float]]
    marked: str = ""


plot_option = click.option(
    "--plot",
    "plot_to",
    is_flag=False,
    flag_value=TERMINAL,
    metavar="[FILE.png]",
    help="Draw it: in the terminal, or into a PNG.",
)
"""The option of commands that can draw what they show."""


def check_target(target: str | None) -> None:
    """Raise a Fault for what is no name of a PNG."""
    if target is not None and target != TERMINAL and not target.lower().endswith(".png"):
        raise Fault("plot", f"{target[:60]!r} doesn't end with .png")


def draw(plot: Plot, target: str) -> None:
    """Draw in the terminal or into a file; raises Fault and OSError."""
    if target == TERMINAL:
        name, values = next(iter(plot.lines.items()))
        print_bars((plot.along, name), plot.places, values)
    else:
        _write_png(plot, target)


def _write_png(plot: Plot, path: str) -> None:
    try:
        # Takes half a second, and isn't there without the extra.
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator
    except ImportError:
        raise Fault("plot", _INSTALL) from None
    figure = Figure(figsize=(9, 4.5), dpi=120, layout="constrained")
    axes = figure.subplots()
    for name, values in plot.lines.items():
        axes.plot(plot.places, values, label=name)
    if plot.marked:
        axes.axvline(plot.places.index(plot.marked), color="gray", linestyle="--", linewidth=1)
    axes.set_title(plot.title)
    axes.set_xlabel(plot.along)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(8))
    if len(plot.lines) > 1:
        axes.legend()
    else:
        axes.set_ylabel(next(iter(plot.lines)))
    figure.savefig(path, format="png")
