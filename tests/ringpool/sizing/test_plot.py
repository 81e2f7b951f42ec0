"""Plots into files: what the `plot` extra is for."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from ringpool.cli.plot import Plot, draw


def test_a_plot_is_a_png(tmp_path: Path) -> None:
    """With every line of it, and a place that is marked."""
    file = tmp_path / "plot.PNG"
    plot = Plot("Overflow", "numbers", ["1", "2", "3"], {"a": [3, 2, 1], "b": [1, 1, 0]}, "2")
    draw(plot, str(file))
    data = file.read_bytes()
    assert data.startswith(b"\x89PNG\r\n")
    assert struct.unpack(">II", data[16:24]) == (1080, 540)


def test_a_file_that_can_not_be_is_an_error(tmp_path: Path) -> None:
    """As for any file."""
    with pytest.raises(OSError, match="nowhere"):
        draw(Plot("t", "x", ["1"], {"y": [1.0]}), str(tmp_path / "nowhere" / "plot.png"))
