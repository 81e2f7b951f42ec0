"""Where a service listens, for commands beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringpool import service_address


def test_it_is_known_while_the_service_runs(tmp_path: Path) -> None:
    """Not before, and not after."""
    assert service_address.read(tmp_path) == ""
    with service_address.written(tmp_path, "http://127.0.0.1:9000"):
        assert service_address.read(tmp_path) == "http://127.0.0.1:9000"
    assert service_address.read(tmp_path) == ""


def test_a_directory_that_is_not_there_stops_nothing(tmp_path: Path) -> None:
    """The service runs without: commands don't know the address then."""
    with service_address.written(tmp_path / "nowhere", "http://127.0.0.1:9000"):
        assert service_address.read(tmp_path / "nowhere") == ""


@pytest.mark.parametrize("content", [b"", b"\xff", b"javascript:1", b"http://[", b"127.0.0.1:80"])
def test_what_is_no_address_is_none(tmp_path: Path, content: bytes) -> None:
    """A file that something else wrote."""
    (tmp_path / "address").write_bytes(content)
    assert service_address.read(tmp_path) == ""
