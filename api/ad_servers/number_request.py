"""A request for a number: its key checked, its parameters read, its tuple made."""

from __future__ import annotations

import hmac
import math
from collections.abc import Mapping
from functools import lru_cache
from time import time
from typing import TypeVar

from msgspec import Struct

from allocator.answers import KEYED, Answer, Ask
from allocator.worker.cache import HeldAnswer
from api.ad_servers.allocation import FellBack
from api.http.parameter_values import switch
from api.http.refusals import Refusal
from api.http.response_cache import Computed
from ringpool.catalog.fallback import Gave
from ringpool.catalog.snapshot import PreparedPool, Snapshot
from ringpool.faults import Fault
from ringpool.model import Pool
from ringpool.visits.click import Click, Surroundings
from ringpool.visits.pool_tuples import fields_read, names_read, parameter_names
from ringpool.visits.tracking_url import tracking_url
from ringpool.visits.traffic import SOURCE_PARAMETERS

_A = TypeVar("_A")

_CHALLENGE = (b"www-authenticate", b'Bearer realm="ring pool"')
_KEYED = Surroundings(network=KEYED)
_MAX_NAME = 64
"""Characters of a name that is repeated: no parameter's is longer."""

_FIELDS = SOURCE_PARAMETERS | {
    *("landing_page", "mobile_click_to_call", "publisher", "referrer", "ring_pool_key", "visitor")
}
"""Parameters that are read whichever the pool is."""


class NumberRequest(Struct, frozen=True):
    """One request for a number, authorised and read under one snapshot.

    ``tracking_url``: "" for a pool without landing page. ``unfilled``: how many parameters held a
    placeholder. ``ignored``: parameters that neither the pool nor those that it falls back on read,
    in their order. ``valid_seconds``: how long the key works, where it is a pool's former one.
    """

    prepared: PreparedPool
    click: Click
    ask: Ask
    tracking_url: str
    unfilled: int
    ignored: tuple[str, ...] = ()
    valid_seconds: float = math.inf

    @property
    def pool_id(self) -> str:
        """The pool that is asked."""
        return self.prepared.pool.id

    @property
    def fixed(self) -> Answer | None:
        """A static pool's answer."""
        return self.prepared.fixed

    def fell_back(self, gave: Gave | None) -> FellBack:
        """What the answer says of the pool that gave the number in place of this one."""
        return ("", "") if gave is None else (gave.prepared.pool.id, self.pool_id)

    def computed(self, answer: Answer, value: _A, size: int) -> Computed[_A]:
        """What was computed of the answer: to be repeated as long as that stands.

        ``size``: bytes of the texts of key and value.
        """
        if self.unfilled:  # so that each is counted
            return Computed(value)
        if answer is self.fixed:
            return Computed(value, (), size, valid_seconds=self.valid_seconds)
        if isinstance(answer, HeldAnswer):
            return Computed(value, (answer,), size, self.click.attributes(), self.valid_seconds)
        return Computed(value)


def parse_request(
    snapshot: Snapshot, pool_id: str, parameters: Mapping[str, str], bearer: str, base_url: str
) -> NumberRequest:
    """Check the key and make the tuple, of a pool that the snapshot has.

    ``bearer``: the key that came in a header, "" without one. ``base_url``: what tracking links
    begin with. Raises Refusal or Fault, among them Refusal 400 for a parameter that nobody reads
    when the pool is strict.
    """
    prepared = snapshot.pools[pool_id]
    pool = prepared.pool
    valid_seconds = _check_key(prepared, parameters.get("ring_pool_key") or bearer)
    ignored = _unread(prepared, parameters)
    if ignored and pool.strict:
        raise _unknown_parameters(pool, ignored)
    click_to_call = ""
    if (publisher := parameters.get("publisher", "")) and publisher not in snapshot.accounts:
        raise Fault("publisher", "no such account")
    if "mobile_click_to_call" in parameters:
        wanted = switch("mobile_click_to_call", parameters["mobile_click_to_call"].strip())
        click_to_call = f"mobile_click_to_call={wanted:d}"
    click = Click(
        parameters.get("landing_page", ""),
        parameters.get("referrer", ""),
        parameters,
        parameters.get("visitor", ""),
        {"publisher": publisher} if publisher else {},
        surroundings=_KEYED,
    )
    ask = click.ask(pool)
    link = ""
    if pool.landing_url is not None:
        link = tracking_url(base_url, pool_id, ask.tuple, click_to_call)
    unfilled = click.unfilled_of(pool)
    return NumberRequest(prepared, click, ask, link, unfilled, ignored, valid_seconds)


def _unread(prepared: PreparedPool, parameters: Mapping[str, str]) -> tuple[str, ...]:
    """The parameters that neither the pool nor the number API knows, in their order."""
    fields = fields_read(prepared.pool)
    for other in prepared.fallbacks:
        fields |= names_read(other.pool)
    read = _read_by(fields)
    if parameters.keys() <= read:  # as nearly always
        return ()
    return tuple(name[:_MAX_NAME] for name in parameters if name not in read)


@lru_cache(maxsize=4096)
def _read_by(fields: frozenset[str]) -> frozenset[str]:
    return fields | _FIELDS


def _unknown_parameters(pool: Pool, ignored: tuple[str, ...]) -> Refusal:
    names = ", ".join(ignored)
    message = f"unknown to this pool, which reads {', '.join(parameter_names(pool))}"
    fault = Fault(names, message)
    return Refusal(400, "UnknownParameter", str(fault), faults=(fault,))


def _check_key(prepared: PreparedPool, key: str) -> float:
    """For how many seconds the key works, at most; raises Refusal 401 for one that doesn't."""
    if not key:
        raise Refusal(
            401, "MissingParameter", "ring_pool_key: no key was given", headers=(_CHALLENGE,)
        )
    given = key.encode()
    if hmac.compare_digest(given, prepared.key):
        return math.inf
    if hmac.compare_digest(given, prepared.former_key):
        left = prepared.former_until - time()
        if left > 0:
            return left
    raise wrong_key()


def wrong_key() -> Refusal:
    """401, for a key that isn't right."""
    return Refusal(
        401, "InvalidKey", "ring_pool_key: not the key of this pool", headers=(_CHALLENGE,)
    )
