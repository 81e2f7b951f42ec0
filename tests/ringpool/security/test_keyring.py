"""The service's own secrets."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ringpool.security.keyring import ADMIN_TOKEN_FILE, SIGNING_KEY_FILE, Keyring, KeyringError
from ringpool.security.signing import Signer
from ringpool.settings import Settings, SettingsError


def test_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    """The first start makes them and reports it; every later one finds the same."""
    first, second = (Keyring.open(tmp_path / "data", None, None) for _ in range(2))
    assert (first.admin_token_made, second.admin_token_made) == (True, False)
    assert first.admin_token == second.admin_token
    assert first.signer.public_key == second.signer.public_key


def test_only_the_owner_can_read_them(tmp_path: Path) -> None:
    """Files are 0600 in a directory that others can't enter, and nothing else is left there."""
    data_dir = tmp_path / "data"
    Keyring.open(data_dir, None, None)
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
    assert {path.name for path in data_dir.iterdir()} == {ADMIN_TOKEN_FILE, SIGNING_KEY_FILE}
    for path in data_dir.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    """Of many that start at once, one makes the secrets and the others take them over."""
    with ThreadPoolExecutor(16) as racers:
        keyrings = list(racers.map(lambda _: Keyring.open(tmp_path, None, None), range(16)))
    assert len({keyring.admin_token for keyring in keyrings}) == 1
    assert len({keyring.signer.public_key for keyring in keyrings}) == 1
    assert sum(keyring.admin_token_made for keyring in keyrings) == 1


def test_given_secrets_leave_no_files(tmp_path: Path) -> None:
    """Secrets that are given are used as they are and written nowhere."""
    signer = Signer.generate()
    keyring = Keyring.open(tmp_path / "data", "t" * 16, signer.pem())
    assert keyring.admin_token == "t" * 16
    assert keyring.signer.public_key == signer.public_key
    assert not (tmp_path / "data").exists()


def test_only_the_token_is_the_admins(tmp_path: Path) -> None:
    """Anything else, not even ASCII, isn't."""
    keyring = Keyring.open(tmp_path, None, None)
    assert keyring.is_admin(keyring.admin_token)
    assert not keyring.is_admin("")
    assert not keyring.is_admin(keyring.admin_token + "é")
    assert keyring.admin_token not in repr(keyring)


@pytest.mark.parametrize("name", [ADMIN_TOKEN_FILE, SIGNING_KEY_FILE])
@pytest.mark.parametrize("text", ["", "\n"])
def test_an_empty_file_is_an_error(tmp_path: Path, name: str, text: str) -> None:
    """An empty secret isn't replaced silently: the message names the file."""
    (tmp_path / name).write_text(text)
    with pytest.raises(KeyringError, match=name):
        Keyring.open(tmp_path, None, None)


def test_a_file_without_a_key_is_an_error(tmp_path: Path) -> None:
    """The message names the file and doesn't show what is in it."""
    (tmp_path / SIGNING_KEY_FILE).write_text("no key at all")
    with pytest.raises(KeyringError, match=SIGNING_KEY_FILE) as raised:
        Keyring.open(tmp_path, None, None)
    assert "no key at all" not in str(raised.value)


def test_a_data_dir_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    """The message names the path, and through the settings the setting too."""
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(KeyringError, match=str(path)):
        Keyring.open(path, None, None)
    with pytest.raises(SettingsError, match=f"^RINGPOOL_DATA_DIR: {path}"):
        Settings(data_dir=path).open_keyring()


def test_the_settings_give_the_secrets(tmp_path: Path) -> None:
    """What the environment has is used, the rest is kept in the data directory."""
    keyring = Settings(data_dir=tmp_path, admin_token="t" * 16).open_keyring()
    assert keyring.admin_token == "t" * 16
    assert [path.name for path in tmp_path.iterdir()] == [SIGNING_KEY_FILE]
