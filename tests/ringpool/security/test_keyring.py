"""The service's own secrets."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ringpool.security.keyring import ADMIN_TOKEN_FILE, SIGNING_KEY_FILE, Keyring
from ringpool.security.signing import Signer
from ringpool.settings import Settings, SettingsError


def test_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    """The first start makes them and says so; every later one finds the same."""
    settings = Settings(data_dir=tmp_path / "data")
    first, second = Keyring.open(settings), Keyring.open(settings)
    assert (first.admin_token_made, second.admin_token_made) == (True, False)
    assert first.admin_token == second.admin_token
    assert first.signer.public_key == second.signer.public_key


def test_only_the_owner_can_read_them(tmp_path: Path) -> None:
    """Files are 0600 in a directory that others can't enter, and nothing else is left there."""
    settings = Settings(data_dir=tmp_path / "data")
    Keyring.open(settings)
    assert stat.S_IMODE(settings.data_dir.stat().st_mode) == 0o700
    assert {path.name for path in settings.data_dir.iterdir()} == {
        ADMIN_TOKEN_FILE,
        SIGNING_KEY_FILE,
    }
    for path in settings.data_dir.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    """Of many that start at once, one makes the secrets and the others take them over."""
    settings = Settings(data_dir=tmp_path)
    with ThreadPoolExecutor(16) as racers:
        keyrings = list(racers.map(lambda _: Keyring.open(settings), range(16)))
    assert len({keyring.admin_token for keyring in keyrings}) == 1
    assert len({keyring.signer.public_key for keyring in keyrings}) == 1
    assert sum(keyring.admin_token_made for keyring in keyrings) == 1


def test_given_secrets_leave_no_files(tmp_path: Path) -> None:
    """Secrets from the environment are used as they are and written nowhere."""
    signer = Signer.generate()
    settings = Settings(data_dir=tmp_path / "data", admin_token="t" * 16, signing_key=signer.pem())
    keyring = Keyring.open(settings)
    assert keyring.admin_token == "t" * 16
    assert keyring.signer.public_key == signer.public_key
    assert not settings.data_dir.exists()


def test_only_the_token_is_the_admins(tmp_path: Path) -> None:
    """Anything else, not even ASCII, isn't."""
    keyring = Keyring.open(Settings(data_dir=tmp_path))
    assert keyring.is_admin(keyring.admin_token)
    assert not keyring.is_admin("")
    assert not keyring.is_admin(keyring.admin_token + "é")
    assert keyring.admin_token not in repr(keyring)


@pytest.mark.parametrize("name", [ADMIN_TOKEN_FILE, SIGNING_KEY_FILE])
def test_a_broken_file_stops_the_start(tmp_path: Path, name: str) -> None:
    """An empty secret isn't replaced silently: the message names the file."""
    (tmp_path / name).write_text("")
    with pytest.raises(SettingsError, match=name):
        Keyring.open(Settings(data_dir=tmp_path))


def test_a_data_dir_that_is_a_file_stops_the_start(tmp_path: Path) -> None:
    """The message names the setting."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="RINGPOOL_DATA_DIR"):
        Keyring.open(Settings(data_dir=tmp_path / "file"))
