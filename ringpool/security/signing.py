"""Signatures on numbers in URLs, so that a page shows only numbers that this service gave.

A service has one key that signs, and perhaps the former one, whose signatures hold as long as it is
there. A URL doesn't say which key signed it: there are two at most, and both are tried.

ECDSA P-256 with SHA-256 over UTF-8 ``number\\npool\\nexp``; a signature is raw ``r || s``, 64
bytes, base64url without padding: what WebCrypto in the page verifies as it is.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
from hashlib import sha256

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

_PEM = re.compile(r"-----BEGIN ((?:[A-Z]+ )*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
_CURVE = ec.SECP256R1()
_ALGORITHM = ec.ECDSA(SHA256())
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Signer:
    """Signs and verifies with one P-256 key.

    ``public_key``: the uncompressed point, 65 bytes, base64url without padding. ``kid``: names the
    key: its thumbprint as a JSON Web Key (RFC 7638).
    """

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self._verifier = key.public_key()
        point = self._verifier.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public_key = _text(point)
        self._jwk = {"crv": "P-256", "kty": "EC", "x": _text(point[1:33]), "y": _text(point[33:])}
        required = json.dumps(self._jwk, separators=(",", ":"))
        self.kid = _text(sha256(required.encode()).digest())

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

    def jwk(self) -> dict[str, str]:
        """Return the public key as a JSON Web Key (RFC 7517)."""
        return {**self._jwk, "alg": "ES256", "use": "sig", "kid": self.kid}

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


class SigningKeys:
    """The key that signs and, for as long as it is kept, the one before it."""

    def __init__(self, current: Signer, former: Signer | None = None) -> None:
        self.current = current
        self.former = former
        self.all = (current,) if former is None else (current, former)
        self.sign = current.sign
        self.public_key = current.public_key

    @classmethod
    def from_text(cls, text: str) -> SigningKeys:
        """Read one key, or two, each as ``Signer.from_text`` does: the first signs.

        PEM follows PEM; scalars have blanks or commas between them. Raises ValueError.
        """
        texts = [found[0] for found in _PEM.finditer(text)]
        if not texts:
            texts = [text] if "-----BEGIN" in text else re.split(r"[\s,]+", text.strip())
        if len(texts) > 2:
            raise ValueError("more than two keys: the one that signs, and the former one")
        return cls(*map(Signer.from_text, texts))

    def text(self) -> str:
        """Return what ``from_text`` reads."""
        return "".join(signer.pem() for signer in self.all)

    def derived_keys(self, purpose: str) -> list[bytes]:
        """Return 32 secret bytes that follow from each key, others for each purpose."""
        return [signer.derived_key(purpose) for signer in self.all]

    def verify(self, number: str, pool: str, expires: int, signature: str) -> bool:
        """True if ``signature`` is one of the keys' for these values; expiry isn't checked."""
        return any(signer.verify(number, pool, expires, signature) for signer in self.all)


def _message(number: str, pool: str, expires: int) -> bytes:
    return f"{number}\n{pool}\n{expires}".encode()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    """Decode base64url; raises ValueError for anything else."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
