"""Where the service of a data directory listens: written while it runs, read by commands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

_FILE = "address"


@contextmanager
def written(data_dir: Path, url: str) -> Iterator[None]:
    """Keep the address in the data directory. A service that is killed leaves it there."""
    file = data_dir / _FILE
    with suppress(OSError):  # a directory that can't be written: commands don't know it then
        file.write_text(f"{url}\n", "ascii")
    try:
        yield
    finally:
        with suppress(OSError):
            file.unlink()


def read(data_dir: Path) -> str:
    """The address, as the service that runs or was killed last wrote it; "" without one."""
    try:
        url = (data_dir / _FILE).read_text("ascii").strip()
        named = bool(urlsplit(url).hostname)
    except (OSError, ValueError):
        return ""
    return url if named and url.startswith("http://") else ""
