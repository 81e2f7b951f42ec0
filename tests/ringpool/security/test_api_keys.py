"""API keys' texts and what is kept of them."""

from __future__ import annotations

import re

import msgspec
import pytest

from ringpool.config import codec, config_file
from ringpool.model import Account, ApiKey, Scope
from ringpool.security.api_keys import fingerprint, hash_of, new_key

PLAIN = "a-plain-key-of-a-file"


def test_a_key_is_long_random_and_told_from_other_texts() -> None:
    """A scanner finds it by its prefix; 43 characters of base64url are 256 bits."""
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(re.fullmatch(r"rp_[A-Za-z0-9_-]{43}", key) for key in keys)


def test_what_is_kept_is_sha_256() -> None:
    """As `sha256sum` prints it, so that a file can be written by hand."""
    kept = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert hash_of("abc") == kept
    assert fingerprint(kept) == "ba7816bf"


def test_an_account_never_holds_a_plain_key() -> None:
    """However it is made: of a document, by hand, or from another; it may do everything."""
    document = {"id": "acme", "api_keys": [PLAIN]}
    kept = ApiKey(
        name=f"key-{fingerprint(hash_of(PLAIN))}", hash=hash_of(PLAIN), scopes=tuple(Scope)
    )
    for account in (
        codec.convert(document, Account),
        msgspec.json.decode(msgspec.json.encode(document), type=Account),
        Account(id="acme", api_keys=(PLAIN,)),
        msgspec.structs.replace(Account(id="acme"), api_keys=(PLAIN,)),
    ):
        assert account.keys == (kept,)
        assert PLAIN not in repr(account)
        assert PLAIN.encode() not in msgspec.json.encode(account)


def test_what_was_to_be_a_key_is_not_repeated() -> None:
    """A fault names the place of a key that isn't well-formed, and doesn't show it."""
    (fault,) = codec.faults({"id": "acme", "api_keys": ["a secret!"]}, Account, "")
    assert "secret" not in str(fault)
    assert str(fault).startswith("api_keys[0]: expected a key: ")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("{name: a, hash: x, scopes: [read]}", ".hash: expected a key's hash: sha256: and 64 of"),
        ("{name: a, hash: '%s', scopes: []}", ".scopes: expected"),
        ("{name: a, hash: '%s', scopes: [all]}", ".scopes[0]: 'all' is none of read, calls"),
        ("{name: A b, hash: '%s', scopes: [read]}", ".name: expected an id"),
        ("{name: a, hash: '%s', scopes: [read], expires: soon}", ".expires: "),
        ("{name: a, hash: '%s', scopes: [read], expires: '2027-01-01T00:00:00'}", ".expires: "),
        (
            "{name: a, hash: '%s', scopes: [read], expires: '9999-12-31T23:59:59-14:00'}",
            ".expires: expected a time from 1970 to 9999",
        ),
        (
            "{name: a, hash: '%s', scopes: [read], created: '0001-01-01T00:00:00+14:00'}",
            ".created: expected a time from 1970 to 9999",
        ),
        ("{name: b, hash: '%s', scopes: [read]}", ".name: b is accounts[0].api_keys[0] already"),
    ],
)
def test_faults_of_a_key_name_their_place(key: str, message: str) -> None:
    """Each with its path in the file."""
    first = f"{{name: b, hash: '{hash_of('first')}', scopes: [read]}}"
    written = key % hash_of("second") if "%s" in key else key
    with pytest.raises(ValueError, match="api_keys") as raised:
        config_file.read(f"accounts: [{{id: acme, api_keys: [{first}, {written}]}}]")
    assert f"accounts[0].api_keys[1]{message}" in str(raised.value)
