"""The carriers that there is an adapter for, by the name that addresses have."""

from __future__ import annotations

from ringpool.carriers import freeswitch, telnyx, twilio
from ringpool.carriers.delivery import Delivery, Told
from ringpool.model import Carriers, GenericAccess
from ringpool.security import body_signature

GENERIC = "generic"
PROVIDERS = ("twilio", "telnyx", "freeswitch", GENERIC)
"""As the fields of ``Carriers`` are called."""


def is_set_up(provider: str, carriers: Carriers | None) -> bool:
    """Tell whether the account has something to check this carrier by.

    What is signed in the generic way may be of any of them.
    """
    return carriers is not None and (
        getattr(carriers, provider) is not None
        or (provider == "freeswitch" and carriers.generic is not None)
    )


def is_genuine(provider: str, delivery: Delivery, carriers: Carriers) -> bool:
    """Tell whether a delivery comes from whom the account has at this carrier."""
    if provider == "twilio":
        return carriers.twilio is not None and twilio.is_signed(delivery, carriers.twilio)
    if provider == "telnyx":
        return carriers.telnyx is not None and telnyx.is_signed(delivery, carriers.telnyx)
    if provider == "freeswitch" and carriers.freeswitch is not None:
        logged_in = freeswitch.is_signed(delivery, carriers.freeswitch)
        return logged_in or _is_signed_generically(delivery, carriers.generic)
    return _is_signed_generically(delivery, carriers.generic)


def _is_signed_generically(delivery: Delivery, generic: GenericAccess | None) -> bool:
    if generic is None:
        return False
    secrets = [secret for secret in (generic.secret, generic.former_secret) if secret]
    header = delivery.header(body_signature.HEADER.lower().encode())
    return body_signature.is_signed(header, delivery.body, secrets, delivery.received_seconds)


def read(provider: str, delivery: Delivery, carriers: Carriers) -> Told:
    """Return what a genuine delivery of a carrier's with a form of its own tells; raises Faults."""
    if provider == "twilio":
        return twilio.read(delivery)
    if provider == "telnyx":
        return telnyx.read(delivery)
    values_are_encoded = carriers.freeswitch is None or carriers.freeswitch.encode_values
    return freeswitch.read(delivery, encoded=values_are_encoded)
