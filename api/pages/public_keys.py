"""For servers that check tracking links themselves: the public keys, as a JSON Web Key Set."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from api.http.description import Operation
from api.http.endpoint import Endpoint, problem_form
from api.http.replies import Reply
from api.http.request import Request
from api.pages import origins

_FOR_MINUTES = (b"cache-control", b"public, max-age=300")


class PublicKey(Struct, frozen=True):
    """A JSON Web Key (RFC 7517) on P-256."""

    kty: str
    crv: str
    x: str
    y: str
    alg: str
    use: str
    kid: str


class PublicKeys(Struct, frozen=True):
    """``keys``: the one that signs, then the former one, if there is one."""

    keys: list[PublicKey]


_encode = msgspec.json.Encoder().encode


async def _public_keys(request: Request) -> Reply:
    signers = request.services.signing.keys.all
    document = PublicKeys([msgspec.convert(signer.jwk(), PublicKey) for signer in signers])
    return Reply(200, b"application/json", _encode(document), (_FOR_MINUTES, origins.ANY))


_EXAMPLE = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "alg": "ES256",
    "use": "sig",
    "kid": "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U",
}
_PUBLIC_KEYS = Operation(
    "GET",
    "public_keys",
    "The public keys of tracking links",
    {200: PublicKeys},
    tag="pages",
    text="A JSON Web Key Set (RFC 7517): the key that signs now, and the former one while what it "
    "signed still holds. `rp_sig` is ES256's signature over `rp_number`, `rp_pool` and `rp_exp` "
    "with a line feed between each.",
    examples={200: {"keys": [_EXAMPLE]}},
)
public_keys = Endpoint("public_keys", problem_form, {"GET": _public_keys}, [_PUBLIC_KEYS])
