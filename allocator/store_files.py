"""The files of an embedded store: whether they are what was written, and how to go on if not.

valkey-server itself starts empty when its manifest is gone, and loads changed bytes as long as they
are still commands. So two small files stand beside its own:

- ``store.id`` names the installation whose data is here; the store holds the same name.
- ``store.sum`` has, for each file of commands, a checksum over all that had reached the disk when
  it was last looked at: after a kill that may be a second before the end. Of what came after that,
  only what isn't a command is seen.
"""

from __future__ import annotations

import json
import mmap
import os
import time
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

REPAIR = "ringpool check --repair-aof"
ACCEPT = "ringpool serve --accept-empty-store"

_CHUNK_BYTES = 1 << 20
_RECORD_BYTES = 1024


class StoreDamaged(RuntimeError):
    """The store's files aren't what was written. One line: what is wrong, and the ways out."""


class StoreMissing(StoreDamaged):
    """What was there isn't: a file, or all that it held."""


@dataclass(frozen=True, slots=True)
class Examined:
    """A file of commands, read to its end or to the first byte that is no part of a command.

    ``whole``: bytes up to there; ``rest``: those after them. ``written``: bytes that are known to
    have been on the disk; ``changed``: they were others.
    """

    path: Path
    whole: int
    commands: int
    rest: int
    written: int
    changed: bool

    @property
    def damage(self) -> str:
        """What is wrong with it, in words; "" when nothing is."""
        name = self.path.name
        size = self.whole + self.rest
        if size < self.written:
            return f"{name} has lost its last {self.written - size} bytes"
        if self.rest:
            after = f"after {self.commands} commands in {self.whole} bytes"
            return f"{name} has {self.rest} bytes {after} that aren't commands"
        if self.changed:
            return f"{name} has changed somewhere in its first {self.written} bytes"
        return ""


class StoreFiles:
    """The files in one data directory, for who has it to himself."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._logs = folder / "appendonlydir"
        self._id = folder / "store.id"
        self._record = folder / "store.sum"
        self._sums = self._read_sums()

    @property
    def installation(self) -> str:
        """The name in ``store.id``; "" when there is none."""
        try:
            return self._id.read_text("ascii").strip()
        except (OSError, ValueError):
            return ""

    def name(self, installation: str) -> None:
        """Write ``store.id``, so that it is on the disk when this returns; raises OSError."""
        fresh = self._id.with_suffix(".new")
        with open(fresh, "w", encoding="ascii", opener=_private) as file:
            file.write(f"{installation}\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._id)

    def check(self) -> None:
        """Raise StoreMissing unless every file is there, StoreDamaged unless each begins with what
        was written."""
        named = self._named()
        for path in named:
            if not path.exists():
                raise StoreMissing(self._missing(path.name))
        if not named and (self.installation or self._left()):
            raise StoreMissing(self._missing("appendonly.aof.manifest"))
        for path in self.logs():
            written, crc = self._sums.get(path.name, (0, 0))
            size = path.stat().st_size
            if size < written or _crc(path, written) != crc:
                examined = Examined(path, size, 0, 0, written, changed=True)
                raise StoreDamaged(self._broken(examined.damage))

    def diagnosis(self) -> str | None:
        """What is wrong with the commands, as StoreDamaged tells it; None when nothing is."""
        damage = "; ".join(each.damage for each in self.examine() if each.damage)
        return self._broken(damage) if damage else None

    def forgotten(self) -> StoreMissing:
        """What to raise when the store's data is not the installation's."""
        return StoreMissing(self._missing("what it held"))

    def examine(self) -> list[Examined]:
        """Read every file of commands to its end. Slower than ``check``."""
        examined = []
        for path in self.logs():
            written, crc = self._sums.get(path.name, (0, 0))
            whole, commands = _whole_commands(path)
            size = path.stat().st_size
            changed = size < written or _crc(path, written) != crc
            examined.append(Examined(path, whole, commands, size - whole, written, changed))
        return examined

    def cut(self, examined: Examined) -> Path | None:
        """Cut off what isn't commands; returns the file that keeps it, if there was something.

        What is left counts as what was written.
        """
        kept = None
        if examined.rest:
            stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            kept = self._folder / f"{examined.path.name}.cut-{stamp}"
            with examined.path.open("r+b") as file:
                file.seek(examined.whole)
                with open(kept, "wb", opener=_private) as copy:
                    copy.write(file.read())
                    os.fsync(copy.fileno())
                file.truncate(examined.whole)
                os.fsync(file.fileno())
        self._sums.pop(examined.path.name, None)
        self._record.unlink(missing_ok=True)
        return kept

    def set_aside(self) -> None:
        """Move the files out of the way of a store that begins anew. They are kept."""
        if self._logs.exists():
            stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            self._logs.rename(self._folder / f"appendonlydir.{stamp}")
        self._sums.clear()
        self._record.unlink(missing_ok=True)
        self._id.unlink(missing_ok=True)

    def sync(self) -> None:
        """Have what is written reach the disk, and note the checksum over it."""
        sums = {}
        for path in self.logs():
            with suppress(OSError):  # it may just be replaced
                sums[path.name] = self._synced(path)
        if sums != self._sums:
            self._sums = sums
            with suppress(OSError):  # an older sum is as true
                self._write_sums()

    def size(self) -> int:
        """How many bytes the files have; 0 when that can't be told."""
        try:
            return sum(path.stat().st_size for path in self._named())
        except OSError:  # one was just replaced
            return 0

    def logs(self) -> list[Path]:
        """The files of commands, oldest first."""
        return [path for path in self._named() if path.suffix == ".aof" and path.exists()]

    def _synced(self, path: Path) -> tuple[int, int]:
        written, crc = self._sums.get(path.name, (0, 0))
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            os.fdatasync(file.fileno())
            if size < written:
                written, crc = 0, 0
            file.seek(written)
            while written < size:
                data = file.read(min(_CHUNK_BYTES, size - written))
                if not data:
                    break
                crc = zlib.crc32(data, crc)
                written += len(data)
        return written, crc

    def _read_sums(self) -> dict[str, tuple[int, int]]:
        try:
            record = json.loads(self._record.read_bytes())
            return {name: (length, crc) for name, (length, crc) in record.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}

    def _write_sums(self) -> None:
        """In place, in one write: no space is needed for it, and no name changes."""
        record = json.dumps(self._sums).encode().ljust(_RECORD_BYTES)
        file = os.open(self._record, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(file, record, 0)
        finally:
            os.close(file)

    def _named(self) -> list[Path]:
        """The files that the manifest names, in its order; none when there is no manifest."""
        try:
            lines = (self._logs / "appendonly.aof.manifest").read_text("utf-8").splitlines()
        except OSError:
            return []
        words = [line.split() for line in lines if line.strip() and not line.startswith("#")]
        facts = [dict(zip(line[::2], line[1::2], strict=False)) for line in words]
        return [self._logs / each["file"] for each in facts if each.get("type") in ("b", "i")]

    def _left(self) -> bool:
        return any(path.suffix in (".aof", ".rdb") for path in self._logs.glob("appendonly.aof.*"))

    def _missing(self, what: str) -> str:
        return (
            f"the store in {self._folder} has held data, and {what} is missing. Put the whole "
            f"directory back from a backup, or begin with nothing: {ACCEPT}"
        )

    def _broken(self, damage: str) -> str:
        return (
            f"the store in {self._folder} is damaged: {damage}. Put the whole directory back from "
            f"a backup, or go on with what can be read: {REPAIR}"
        )


def _crc(path: Path, length: int) -> int:
    """The checksum over the first bytes of a file."""
    crc = 0
    with path.open("rb") as file:
        while length > 0 and (data := file.read(min(_CHUNK_BYTES, length))):
            crc = zlib.crc32(data, crc)
            length -= len(data)
    return crc


def _whole_commands(path: Path) -> tuple[int, int]:
    """How many bytes a file of commands has up to the end of its last whole command, and how many
    commands these are. A transaction counts as one."""
    whole = commands = position = 0
    transaction = False
    if not path.stat().st_size:
        return 0, 0
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        suppress(ValueError),
    ):
        while position < len(data):
            if data[position : position + 1] == b"#":  # a note, to the end of its line
                end = data.find(b"\r\n", position)
                if end < 0:
                    break
                position = end + 2
                continue
            count, position = _header(data, position, b"*")
            first = b""
            for place in range(count):
                length, position = _header(data, position, b"$")
                if data[position + length : position + length + 2] != b"\r\n":
                    raise ValueError
                if not place:
                    first = data[position : position + min(length, 5)].upper()
                position += length + 2
            transaction = (transaction or first == b"MULTI") and first != b"EXEC"
            if not transaction:
                whole, commands = position, commands + 1
    return whole, commands


def _header(data: mmap.mmap, position: int, kind: bytes) -> tuple[int, int]:
    """The number in a header such as ``$12`` and where it ends; raises ValueError."""
    end = data.find(b"\r\n", position, position + 32)
    number = data[position + 1 : end]
    if end < 0 or data[position : position + 1] != kind or not number.isdigit():
        raise ValueError
    return int(number), end + 2


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
