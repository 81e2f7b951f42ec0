"""The service's own secrets: given, or made at first start and kept in the data directory.

Files are 0600 and appear whole: written under another name, then linked to their own, which only
one of several processes that start at once can do. The others read what that one wrote.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ringpool.security.signing import Signer, SigningKeys

ADMIN_TOKEN_FILE = "admin-token"  # noqa: S105 - a file's name
SIGNING_KEY_FILE = "signing-key.pem"


class KeyringError(Exception):
    """A file of secrets can't be read, written or understood. One line, which names the file."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """``admin_token_made``: it was made just now, so nobody knows it yet: show it once."""

    admin_token: str = field(repr=False)
    signer: SigningKeys
    admin_token_made: bool

    @classmethod
    def open(cls, data_dir: Path, admin_token: str | None, signing_key: str | None) -> Keyring:
        """Take the secrets given; read those that are None from their files, or make them there.

        ``signing_key``: as ``SigningKeys.from_text`` reads it. Raises KeyringError.
        """
        made = False
        if admin_token is None:
            admin_token, made = _read_or_make(data_dir / ADMIN_TOKEN_FILE, _new_token)
        if signing_key is not None:
            return cls(admin_token, SigningKeys.from_text(signing_key), made)
        path = data_dir / SIGNING_KEY_FILE
        key, _ = _read_or_make(path, _new_signing_key)
        try:
            return cls(admin_token, SigningKeys.from_text(key), made)
        except ValueError as error:
            raise KeyringError(f"{path}: {error}") from None

    def is_admin(self, token: str) -> bool:
        """True for the administrator's token; compares in constant time."""
        return hmac.compare_digest(token.encode(), self.admin_token.encode())


def _new_token() -> str:
    return secrets.token_urlsafe(32)


def _new_signing_key() -> str:
    return Signer.generate().pem()


def _read_or_make(path: Path, make: Callable[[], str]) -> tuple[str, bool]:
    """Return the secret in the file and whether this call made it."""
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if _write_first(path, make()):
                return path.read_text("utf-8").strip(), True
        secret = path.read_text("utf-8").strip()
    except OSError as error:
        raise KeyringError(f"{path}: {error.strerror}") from None
    if not secret:
        raise KeyringError(f"{path}: is empty; remove it to make a new one")
    return secret, False


def read_signing_keys(data_dir: Path) -> SigningKeys:
    """Read the keys that are kept in the data directory; raises KeyringError."""
    path = data_dir / SIGNING_KEY_FILE
    try:
        return SigningKeys.from_text(path.read_text("utf-8"))
    except OSError as error:
        raise KeyringError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise KeyringError(f"{path}: {error}") from None


class SigningKeyFile:
    """The signing keys that are kept in the data directory, for who looks whether they change."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._seen = self._state()

    def changed(self) -> SigningKeys | None:
        """Return the keys if the file was written since the last look; raises KeyringError."""
        state = self._state()
        if state == self._seen:
            return None
        self._seen = state
        return read_signing_keys(self._data_dir)

    def _state(self) -> tuple[int, int, int] | None:
        try:
            found = (self._data_dir / SIGNING_KEY_FILE).stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size


def write_signing_keys(data_dir: Path, keys: SigningKeys) -> None:
    """Keep these keys in the place of those in the data directory; raises KeyringError."""
    path = data_dir / SIGNING_KEY_FILE
    try:
        draft = _draft(path, keys.text())
        draft.replace(path)
    except OSError as error:
        raise KeyringError(f"{path}: {error.strerror}") from None


def _write_first(path: Path, secret: str) -> bool:
    """Write the file unless another process was first; return whether this one wrote it."""
    draft = _draft(path, secret)
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def _draft(path: Path, secret: str) -> Path:
    """Write the secret to another file beside ``path``, for its owner alone, and return that."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secret.rstrip("\n") + "\n")
        file.flush()
        os.fsync(file.fileno())
    return draft
