"""Signatures on numbers in URLs, so that a page shows only numbers that this service gave.

ECDSA P-256 with SHA-256 over UTF-8 ``number\\npool\\nexp``; a signature is raw ``r || s``, 64
bytes, base64url without padding: what WebCrypto in the page verifies as it is.
"""

from __future__ import annotations

import base64
import hmac

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

_CURVE = ec.SECP256R1()
_ALGORITHM = ec.ECDSA(SHA256())
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Signer:
    """Signs and verifies with one P-256 key.

    ``public_key``: the uncompressed point, 65 bytes, base64url without padding.
    """

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self._verifier = key.public_key()
        point = self._verifier.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public_key = _text(point)

    @classmethod
    def generate(cls) -> Signer:
        """Make a signer with a new key."""
        return cls(ec.generate_private_key(_CURVE))

    @classmethod
    def from_text(cls, text: str) -> Signer:
        """Read a key as PEM, or as base64url of the 32-byte private scalar.

        Raises ValueError when it is neither or the key isn't P-256; the text isn't quoted.
        """
        if "-----BEGIN" in text:
            try:
                key = load_pem_private_key(text.encode(), password=None)
            except (ValueError, TypeError) as error:  # TypeError: it wants a password
                raise ValueError("not a readable PEM private key") from error
            if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != _CURVE.name:
                raise ValueError("the PEM key is not an EC key on P-256")
            return cls(key)
        try:
            scalar = _bytes(text.strip())
        except ValueError:
            scalar = b""
        if len(scalar) != 32 or not 0 < int.from_bytes(scalar, "big") < _ORDER:
            raise ValueError("expected a PEM private key, or base64url of a 32-byte P-256 key")
        return cls(ec.derive_private_key(int.from_bytes(scalar, "big"), _CURVE))

    def pem(self) -> str:
        """Return the private key as unencrypted PKCS #8 PEM."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def derived_key(self, purpose: str) -> bytes:
        """Return 32 secret bytes that follow from this key, others for each purpose."""
        scalar = self._key.private_numbers().private_value.to_bytes(32, "big")
        return hmac.digest(scalar, purpose.encode(), "sha256")

    def sign(self, number: str, pool: str, expires: int) -> str:
        """Sign a number (E.164) given by a pool until ``expires`` (Unix seconds)."""
        der = self._key.sign(_message(number, pool, expires), _ALGORITHM)
        r, s = decode_dss_signature(der)
        return _text(r.to_bytes(32, "big") + s.to_bytes(32, "big"))

    def verify(self, number: str, pool: str, expires: int, signature: str) -> bool:
        """True if ``signature`` is this key's for these values; expiry isn't checked."""
        try:
            raw = _bytes(signature)
            if len(raw) != 64:
                return False
            r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
            message = _message(number, pool, expires)
            self._verifier.verify(encode_dss_signature(r, s), message, _ALGORITHM)
        except (InvalidSignature, ValueError):
            return False
        return True


def _message(number: str, pool: str, expires: int) -> bytes:
    return f"{number}\n{pool}\n{expires}".encode()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    """Decode base64url; raises ValueError for anything else."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
