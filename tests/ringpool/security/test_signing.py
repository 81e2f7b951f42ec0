"""Signatures of tracking links."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from ringpool.security.signing import Signer

SIGNER = Signer.generate()
NUMBER, POOL, EXPIRES = "+18888695345", "ad-placement", 1_795_000_000


def test_a_signature_is_64_raw_bytes_that_verify() -> None:
    """The form is what WebCrypto takes: r and s, base64url without padding."""
    signature = SIGNER.sign(NUMBER, POOL, EXPIRES)
    assert len(base64.urlsafe_b64decode(signature + "==")) == 64
    assert "=" not in signature
    assert SIGNER.verify(NUMBER, POOL, EXPIRES, signature)


def test_the_public_key_is_the_uncompressed_point() -> None:
    """Pages import it raw: 65 bytes that begin with 4."""
    point = base64.urlsafe_b64decode(SIGNER.public_key + "=")
    assert len(point) == 65
    assert point[0] == 4


@pytest.mark.parametrize(
    ("number", "pool", "expires"),
    [("+18888695346", POOL, EXPIRES), (NUMBER, "other", EXPIRES), (NUMBER, POOL, EXPIRES + 1)],
)
def test_any_change_breaks_a_signature(number: str, pool: str, expires: int) -> None:
    """Number, pool and expiry are all covered."""
    assert not SIGNER.verify(number, pool, expires, SIGNER.sign(NUMBER, POOL, EXPIRES))


@pytest.mark.parametrize(
    "signature", ["", "x", "é", "A" * 86, "A" * 87, "!" * 86, "=" * 86, "-_" * 43]
)
def test_garbage_does_not_verify(signature: str) -> None:
    """What is no signature at all is refused without an error."""
    assert not SIGNER.verify(NUMBER, POOL, EXPIRES, signature)


def test_another_key_does_not_verify() -> None:
    """Only the key that signed accepts."""
    assert not Signer.generate().verify(NUMBER, POOL, EXPIRES, SIGNER.sign(NUMBER, POOL, EXPIRES))


def test_a_key_survives_being_written_as_pem() -> None:
    """What is kept in the data directory is the same key after a restart."""
    again = Signer.from_text(SIGNER.pem())
    assert again.public_key == SIGNER.public_key
    assert again.verify(NUMBER, POOL, EXPIRES, SIGNER.sign(NUMBER, POOL, EXPIRES))


def test_a_key_can_be_given_as_its_scalar() -> None:
    """32 bytes in base64url name a key, always the same."""
    scalar = base64.urlsafe_b64encode((12345).to_bytes(32, "big")).decode()
    assert Signer.from_text(scalar).public_key == Signer.from_text(scalar.rstrip("=")).public_key


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "A" * 43,
        "_" * 43,
        "-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----",
        _pem(ec.generate_private_key(ec.SECP384R1())),
        _pem(rsa.generate_private_key(65537, 2048)),
    ],
    ids=["empty", "word", "zero", "too large", "broken pem", "p384", "rsa"],
)
def test_what_is_no_p256_key_is_refused_without_being_quoted(text: str) -> None:
    """A wrong key stops the start, and its text stays out of the message."""
    with pytest.raises(ValueError, match=r"P-256|PEM") as raised:
        Signer.from_text(text)
    assert not text or text not in str(raised.value)
