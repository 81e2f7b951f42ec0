"""``ringpool signing-key``: the key that signs tracking links, shown and replaced."""

from __future__ import annotations

import click

from ringpool.cli.output import as_json, print_json, print_table, say
from ringpool.cli.session import command
from ringpool.faults import Fault
from ringpool.security.keyring import KeyringError, read_signing_keys, write_signing_keys
from ringpool.security.signing import Signer, SigningKeys
from ringpool.settings import Settings, SettingsError, variable

_NO_RESTART = "A running service takes it over within seconds, and needs no restart."


@click.group("signing-key")
def signing_key() -> None:
    """Show or replace the key that signs the numbers of tracking links."""


@signing_key.command()
@as_json
@command
async def show(as_json: bool) -> None:
    """Show the public keys: the one that signs, and the former one."""
    keys = Settings.from_environment().open_keyring().signer
    rows = [
        {"kid": signer.kid, "signs": signer is keys.current, "public_key": signer.public_key}
        for signer in keys.all
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("kid", "", "public key"),
        [(row["kid"], "signs" if row["signs"] else "former", row["public_key"]) for row in rows],
    )


@signing_key.command()
@as_json
@command
async def rotate(as_json: bool) -> None:
    """Put a new key into the data directory; a running service signs with it within seconds.

    What the present one signed holds until `ringpool signing-key retire`.
    """
    settings = _of_the_data_directory()
    keys = _read(settings)
    if keys.former is not None:
        raise Fault("signing key", f"{keys.former.kid} still verifies: retire it first")
    rotated = SigningKeys(Signer.generate(), keys.current)
    _write(settings, rotated)
    _tell(rotated, f"{rotated.current.kid} signs, what {keys.current.kid} signed holds.", as_json)


@signing_key.command()
@as_json
@command
async def retire(as_json: bool) -> None:
    """Remove the former key from the data directory: what it signed holds no more."""
    settings = _of_the_data_directory()
    keys = _read(settings)
    if keys.former is None:
        raise Fault("signing key", "there is no former one")
    left = SigningKeys(keys.current)
    _write(settings, left)
    _tell(left, f"{keys.former.kid} is removed, {left.current.kid} signs.", as_json)


def _tell(keys: SigningKeys, line: str, as_json: bool) -> None:
    if as_json:
        former = {} if keys.former is None else {"former": keys.former.kid}
        print_json({"signs": keys.current.kid} | former)
    else:
        say(line)
    say(_NO_RESTART, error=True)


def _of_the_data_directory() -> Settings:
    settings = Settings.from_environment()
    if settings.signing_key is not None:
        name = variable("signing_key")
        raise Fault(name, "it is set: put the new key there, before the one that it has")
    settings.open_keyring()  # which makes the key, if there is none yet
    return settings


def _read(settings: Settings) -> SigningKeys:
    try:
        return read_signing_keys(settings.data_dir)
    except KeyringError as error:
        raise SettingsError(f"{variable('data_dir')}: {error}") from None


def _write(settings: Settings, keys: SigningKeys) -> None:
    try:
        write_signing_keys(settings.data_dir, keys)
    except KeyringError as error:
        raise SettingsError(f"{variable('data_dir')}: {error}") from None
