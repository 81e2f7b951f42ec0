"""Accounts, pools and stocks: the words of the configuration file as typed structs.

Every struct is frozen and refuses unknown keys. Field-level rules are here, as types; rules that
need two fields or two entities are in ``configuration``.
"""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from ringpool.times import Duration

ID_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}(?!\n)$"
"""Of an id. ``$`` alone would match before a trailing newline, and JSON Schema has no ``\\Z``."""

KEY_PATTERN = r"^[A-Za-z0-9_-]{16,128}(?!\n)$"
"""Of a secret."""

Identifier = Annotated[str, Meta(pattern=ID_PATTERN)]
"""An account, pool or stock id."""

Key = Annotated[str, Meta(pattern=KEY_PATTERN)]
"""A secret: a RingPool key or an account's API key."""

Number = Annotated[str, Meta(min_length=1, max_length=40)]
"""E.164 with an optional extension, ``+18888695345;ext=12``; ``configuration`` canonicalises."""

Numbers = tuple[Number, ...] | UnsetType
"""All the numbers that are an entity's own; UNSET says nothing of them: those it has, it keeps."""


class PoolType(enum.StrEnum):
    """What the parameter tuple of a pool is made of (see ``pool_tuples``)."""

    CUSTOM = "custom"
    CUSTOM_SEARCH = "custom_search"
    SEARCH = "search"
    SEARCH_KEYWORD_ID = "search_keyword_id"
    REFERRER = "referrer"
    REFERRER_SEARCH = "referrer_search"
    VISITOR = "visitor"


class Recycle(enum.StrEnum):
    """Which recyclable number goes next when no unassigned one is left."""

    LEAST_ACTIVE = "least_active"
    MAX_ACTIVE = "most_active"
    ROUND_ROBIN = "round_robin"
    LAST_IN_FIRST_OUT = "last_in_first_out"
    WEIGHTED_RANDOM = "weighted_random"


class Fill(enum.StrEnum):
    """When a pool takes numbers from its stock: as tuples come, or at once up to max_size."""

    ON_DEMAND = "on_demand"
    IMMEDIATE = "immediate"


class NumberFormat(enum.StrEnum):
    """How a number is written on a page."""

    AS_FOUND = "as_found"
    NATIONAL = "national"
    INTERNATIONAL = "international"
    E164 = "e164"


class Activity(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How much one call and one click weigh when activity is compared."""

    call: Annotated[int, Meta(ge=0, le=1_000_000)] = 1
    click: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


class OnExhausted(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where to tell that a pool has no number left to give."""

    webhook: Annotated[str, Meta(max_length=2048)]


class Account(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """An advertiser, publisher or network. ``origins``: pages that may ask; empty means any."""

    id: Identifier
    name: Annotated[str, Meta(max_length=200)] = ""
    origins: tuple[Annotated[str, Meta(max_length=300)], ...] = ()
    api_keys: tuple[Key, ...] = ()


class Pool(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A RingPool: numbers handed out to parameter tuples under one set of rules."""

    id: Identifier
    account: Identifier
    name: Annotated[str, Meta(max_length=200)] = ""
    key: Key | UnsetType = UNSET
    type: PoolType = PoolType.CUSTOM
    parameters: Annotated[tuple[str, ...], Meta(max_length=10)] = ()
    min_duration: Duration = Duration(600_000)
    hold_on_activity: Duration = Duration(0)
    recycle: Recycle = Recycle.LEAST_ACTIVE
    activity: Activity = Activity()
    max_size: Annotated[int, Meta(ge=1, le=10_000_000)] | None = None
    fill: Fill = Fill.ON_DEMAND
    numbers: Numbers = UNSET
    stock: Identifier | None = None
    overflow_number: Number | None = None
    allow_overflow: bool = True
    destination: Number | None = None
    landing_url: Annotated[str, Meta(max_length=2048)] | None = None
    swap_targets: tuple[Number, ...] = ()
    format: NumberFormat = NumberFormat.AS_FOUND
    mobile_click_to_call: bool = False
    history_bytes: Annotated[int, Meta(ge=0, le=262_144)] = 4096
    on_exhausted: OnExhausted | None = None


class Stock(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Numbers kept ready, from which an account's pools grow."""

    id: Identifier
    account: Identifier
    quarantine: Duration = Duration(30 * 86_400_000)
    numbers: Numbers = UNSET


class Configuration(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """The whole configuration file."""

    accounts: tuple[Account, ...] = ()
    pools: tuple[Pool, ...] = ()
    stocks: tuple[Stock, ...] = ()
