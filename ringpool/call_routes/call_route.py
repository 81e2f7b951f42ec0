"""What is to be done with a call, as programs read it: over HTTP and from `ringpool route`."""

from __future__ import annotations

import enum
import re
from urllib.parse import quote

from msgspec import Struct

from allocator.answers import Called, Holding
from ringpool.catalog.snapshot import PreparedPool
from ringpool.history.number_lookup import Holder, holder_of
from ringpool.model import Account
from ringpool.visits.whisper import said


class Action(enum.StrEnum):
    """What is to be done with a call."""

    DIAL = "dial"
    ANNOUNCE = "announce"
    REJECT = "reject"


class NumberState(enum.StrEnum):
    """How things are with a number that is called.

    Held by a tuple; draining, so that it leaves its pool when its guarantee is over; reserved: in a
    pool that has given it to nobody; static: a pool's that gives it to everybody; resting: in a
    stock; the overflow number of a pool; unknown: the store didn't answer, and the pool that had it
    last is all that is known.
    """

    HELD = "held"
    DRAINING = "draining"
    RESERVED = "reserved"
    STATIC = "static"
    RESTING = "resting"
    OVERFLOW = "overflow"
    UNKNOWN = "unknown"


class CallRoute(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is to be done with a call to ``number``.

    ``destination``: E.164, to dial; ``whisper``: to be said to who answers there.
    ``announcement``: to be said to the caller. ``caller``: E.164, absent where it can't be read.
    ``pool``: whose number it is; of one that rests, where it was last. ``holder``: who holds it,
    or, with ``until``, held it last; ``parameters``: the tuple that holds it, encoded for a URL or
    a SIP header.
    """

    action: Action
    number: str
    state: NumberState
    account: str
    pool: str = ""
    caller: str = ""
    destination: str = ""
    whisper: str = ""
    announcement: str = ""
    parameters: str = ""
    holder: Holder | None = None


_PLAIN = re.compile(r"[A-Za-z0-9_.~%&=-]*")
"""What ``quote`` would leave as it is."""


def in_pool(
    prepared: PreparedPool, number: str, caller: str, state: NumberState, called: Called | None
) -> CallRoute:
    """The route of a number of a pool, or of a pool's overflow number.

    ``called``: what is known of the number; None: nothing.
    """
    pool = prepared.pool
    holding = _shown(called.holding, pool.account) if called else None
    holder = holder_of(holding) if holding else None
    holds = holder is not None and not holder.until
    text = holding.tuple if holding and holds else ""
    return _to(
        pool.destination or "",
        said(pool.whisper, holder.tuple if holder and holds else None),
        prepared.account,
        number=number,
        state=state,
        pool=pool.id,
        caller=caller,
        parameters=text if _PLAIN.fullmatch(text) else quote(text, safe="%&="),
        holder=holder,
    )


def without_pool(
    account: Account, number: str, caller: str, called: Called | None = None
) -> CallRoute:
    """The route of a number that rests, where no pool says what to do with its calls."""
    holding = _shown(called.holding, account.id) if called else None
    return _to(
        "",
        "",
        account,
        number=number,
        state=NumberState.RESTING,
        caller=caller,
        holder=holder_of(holding) if holding else None,
    )


def _to(destination: str, whisper: str, account: Account, **known: object) -> CallRoute:
    """Dial, where there is a destination; else as the account says of calls that have none."""
    announcement = ""
    if not destination and account.unroutable is not None:
        destination = account.unroutable.destination or ""
        announcement = account.unroutable.announcement or ""
    action = Action.DIAL if destination else Action.ANNOUNCE if announcement else Action.REJECT
    return CallRoute(
        action=action,
        account=account.id,
        destination=destination,
        whisper=whisper if destination else "",
        announcement=announcement,
        **known,  # type: ignore[arg-type]  # the fields that both callers give
    )


def _shown(holding: Holding | None, account_id: str) -> Holding | None:
    """What one account may know: a number may have been another's before."""
    if holding is None or holding.owner not in ("", account_id):
        return None
    return holding
