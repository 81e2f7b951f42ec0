"""The service's own secrets: made at first start, kept in the data directory, or given.

Files are 0600 and appear whole: written aside, then linked to their name, which only one of
several processes starting at once can do. The others read what that one wrote.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ringpool.security.signing import Signer
from ringpool.settings import Settings, SettingsError

ADMIN_TOKEN_FILE = "admin-token"  # noqa: S105 - a file's name
SIGNING_KEY_FILE = "signing-key.pem"


@dataclass(frozen=True, slots=True)
class Keyring:
    """``admin_token_made``: it was made just now, so that somebody has to be told it."""

    admin_token: str = field(repr=False)
    signer: Signer
    admin_token_made: bool

    @classmethod
    def open(cls, settings: Settings) -> Keyring:
        """Take each secret from the settings, else from its file, else make it.

        Raises SettingsError, naming the data directory, when a file can't be read or written.
        """
        made = False
        token = settings.admin_token
        if token is None:
            token, made = _kept(settings.data_dir / ADMIN_TOKEN_FILE, _new_token)
        key = settings.signing_key
        if key is None:
            key, _ = _kept(settings.data_dir / SIGNING_KEY_FILE, _new_signing_key)
        try:
            signer = Signer.from_text(key)
        except ValueError as error:
            path = settings.data_dir / SIGNING_KEY_FILE
            raise SettingsError(f"RINGPOOL_DATA_DIR: {path}: {error}") from None
        return cls(token, signer, made)

    def is_admin(self, token: str) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(token.encode(), self.admin_token.encode())


def _new_token() -> str:
    return secrets.token_urlsafe(32)


def _new_signing_key() -> str:
    return Signer.generate().pem()


def _kept(path: Path, make: Callable[[], str]) -> tuple[str, bool]:
    """Return the secret in the file and whether this call made it."""
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if _write_first(path, make()):
                return path.read_text("utf-8").strip(), True
        secret = path.read_text("utf-8").strip()
    except OSError as error:
        raise SettingsError(f"RINGPOOL_DATA_DIR: {path}: {error.strerror}") from None
    if not secret:
        raise SettingsError(f"RINGPOOL_DATA_DIR: {path}: is empty; remove it to make a new one")
    return secret, False


def _write_first(path: Path, secret: str) -> bool:
    """Write the file unless another process was first; tell whether it was this one."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secret + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)
    except FileExistsError:
        return False
    finally:
        aside.unlink()
    return True
