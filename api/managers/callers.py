"""Who calls the managers' API: the administrator, or an account limited to what is its own."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from api.http.refusals import Refusal
from api.http.request import Request

_CHALLENGE = (b"www-authenticate", b'Bearer realm="ringpool admin"')


@dataclass(frozen=True, slots=True)
class Caller:
    """``account`` is None for the administrator."""

    account: str | None

    def sees(self, account_id: str) -> bool:
        """Whether this caller may see and change what belongs to an account."""
        return self.account is None or self.account == account_id

    def check_owns(self, account_id: str) -> None:
        """Raise Refusal 403 when this caller would give something to another account."""
        if not self.sees(account_id):
            raise Refusal(403, "Forbidden", f"this key is for account {self.account} alone")

    def check_administrator(self) -> None:
        """Raise Refusal 403 for an account's key."""
        if self.account is not None:
            raise Refusal(403, "Forbidden", "only the administrator's token may do this")


def caller(request: Request) -> Caller:
    """Whose token it is; raises Refusal 401. Every key is compared, in constant time each."""
    token = request.bearer()
    if token:
        if request.services.keyring.is_admin(token):
            return Caller(None)
        given = token.encode()
        owner = None
        for account in request.services.snapshot.accounts.values():
            for key in account.api_keys:
                if hmac.compare_digest(given, key.encode()):
                    owner = account.id
        if owner is not None:
            return Caller(owner)
    raise Refusal(
        401,
        "Unauthorized",
        "send Authorization: Bearer with a token of this service",
        headers=(_CHALLENGE,),
    )
