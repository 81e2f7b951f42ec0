"""The file of a backup: a header, frames of values, and a checksum of all that is before it.

``ringpool-backup`` and a line feed; frames, each a length (4 bytes, big-endian) and as many bytes
of zlib-compressed msgpack; a length of 0; the SHA-256. The first frame is the header. Frames are
small, so that files of any size are written and read in little memory.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

FORMAT = 1

_MAGIC = b"ringpool-backup\n"
_LENGTH = 4
_MOST = 1 << 28
"""Bytes of a frame that are believed."""


class BackupError(Exception):
    """A file isn't a backup, or not one that can be restored. One line that names the file."""


class Header(Struct, frozen=True):
    """``made``: Unix ms. ``layout``: of the keys. ``pools``, ``stocks``: ids of all there are.

    ``last``: nothing was given by the store after it was read, since it was closed before.
    ``rests``: until when (Unix ms) pools rest that its data directory tells of, "*" all others.
    """

    format: int
    id: str
    layout: int
    revision: int
    made: int
    version: str
    last: bool
    pools: tuple[str, ...]
    stocks: tuple[str, ...]
    rests: dict[str, int]


class Frame(Struct, frozen=True, array_like=True):
    """Some rows of a hash (``allocator.copying``)."""

    key: str
    rows: list[list[bytes]]


class _Format(Struct):
    format: int


_encode = msgspec.msgpack.Encoder().encode
_frame = msgspec.msgpack.Decoder(Frame).decode
_header = msgspec.msgpack.Decoder(Header).decode
_format = msgspec.msgpack.Decoder(_Format).decode


class BackupWriter:
    """Writes frames, of which the latest can be taken back."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        file.write(_MAGIC)

    def write(self, frame: Frame | Header) -> None:
        """Append a frame; raises OSError."""
        packed = zlib.compress(_encode(frame), 3)
        self._file.write(len(packed).to_bytes(_LENGTH, "big") + packed)

    def place(self) -> int:
        """Where the next frame begins, for ``back_to``."""
        return self._file.tell()

    def back_to(self, place: int) -> None:
        """Take back the frames from a place on; raises OSError."""
        self._file.seek(place)
        self._file.truncate()


@contextmanager
def writing(path: Path) -> Iterator[BackupWriter]:
    """Write a backup that only its owner may read, beside ``path``; it gets its name when whole.

    Raises OSError.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "w+b") as file:
            yield BackupWriter(file)
            file.write(bytes(_LENGTH))
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").digest()
            file.seek(0, os.SEEK_END)
            file.write(digest)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
        _sync_folder(path.parent)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    """Have the new name on disk too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check(path: Path) -> Header:
    """Return the header of a backup that is whole; raises BackupError and OSError."""
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise BackupError(f"{path} isn't a backup of ringpool")
        size = os.fstat(file.fileno()).st_size - hashlib.sha256().digest_size
        digest = hashlib.sha256()
        file.seek(0)
        left = size
        while left > 0 and (piece := file.read(min(left, 1 << 20))):
            digest.update(piece)
            left -= len(piece)
        if left or digest.digest() != file.read():
            raise BackupError(f"{path} is cut short or has changed: its checksum is another one")
    return _read_header(path)


def frames(path: Path) -> Iterator[Frame]:
    """Yield the frames of a backup that ``check`` has found whole; raises BackupError, OSError."""
    packed = _packed(path)
    next(packed, None)
    for data in packed:
        try:
            yield _frame(data)
        except msgspec.MsgspecError:
            raise _unreadable(path) from None


def _read_header(path: Path) -> Header:
    data = next(_packed(path), b"")
    try:
        found = _format(data).format
        if found > FORMAT:
            raise BackupError(
                f"{path} has format {found}, which is newer than this version's {FORMAT}: "
                "restore it with the version that made it, or a later one"
            )
        return _header(data)
    except msgspec.MsgspecError:
        raise _unreadable(path) from None


def _packed(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(len(_MAGIC))
        while length := int.from_bytes(file.read(_LENGTH), "big"):
            packed = file.read(length)
            try:
                expander = zlib.decompressobj()
                data = expander.decompress(packed, _MOST)
            except zlib.error:
                raise _unreadable(path) from None
            if not expander.eof:
                raise _unreadable(path)
            yield data


def _unreadable(path: Path) -> BackupError:
    return BackupError(f"{path} can't be read: it isn't what ringpool backup wrote")
