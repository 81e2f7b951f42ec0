"""Signatures of tracking links."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from ringpool.security.keeping import Kept, seal_for
from ringpool.security.signing import Signer, SigningKeys

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


def test_two_keys_verify_and_the_first_signs() -> None:
    """PEM after PEM, or scalars with a comma between; a third is refused, and none is quoted."""
    former, other = Signer.generate(), Signer.generate()
    scalar = base64.urlsafe_b64encode((12345).to_bytes(32, "big")).decode().rstrip("=")
    for text, count in (
        (former.pem(), 1),
        (SIGNER.pem() + former.pem(), 2),
        (f"{scalar}, {scalar[:-1]}w", 2),
    ):
        keys = SigningKeys.from_text(text)
        assert len(keys.all) == count
        assert SigningKeys.from_text(keys.text()).public_key == keys.public_key
    keys = SigningKeys(SIGNER, former)
    for signer, expected in ((SIGNER, True), (former, True), (other, False)):
        signature = signer.sign(NUMBER, POOL, EXPIRES)
        assert keys.verify(NUMBER, POOL, EXPIRES, signature) is expected
    assert SIGNER.verify(NUMBER, POOL, EXPIRES, keys.sign(NUMBER, POOL, EXPIRES))
    with pytest.raises(ValueError, match="more than two keys"):
        SigningKeys.from_text(SIGNER.pem() + former.pem() + other.pem())


def test_what_the_former_key_sealed_is_opened() -> None:
    """And no more when it is gone; what is sealed now is the first key's."""
    former = Signer.generate()
    kept = Kept("p", "m1=x")
    sealed = seal_for(SigningKeys(former)).seal(kept)
    both = seal_for(SigningKeys(SIGNER, former))
    assert both.open(sealed) == kept
    assert seal_for(SigningKeys(SIGNER)).open(sealed) is None
    assert seal_for(SigningKeys(SIGNER)).open(both.seal(kept)) == kept


def test_a_key_is_named_by_its_thumbprint() -> None:
    """As RFC 7638 makes it of the public key: the example of RFC 7517's P-256 key."""
    scalar = "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"
    jwk = Signer.from_text(scalar).jwk()
    assert jwk["x"] == "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
    required = '{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}'.format(jwk["x"], jwk["y"])
    digest = hashlib.sha256(required.encode()).digest()
    assert jwk["kid"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
