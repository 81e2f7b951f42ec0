"""Accounts, pools and stocks: the keys of the configuration file as typed structs.

Every struct is frozen and refuses unknown keys. Rules about one field are here, as types; those
about two fields or two entities are in ``config.validation``.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import force_setattr, replace

from allocator.answers import Rules
from ringpool import pace
from ringpool.patterns import whole
from ringpool.security.api_keys import fingerprint, hash_of
from ringpool.times import Duration

ID_PATTERN = whole("[a-z0-9][a-z0-9-]{0,62}")
"""Of an id."""

KEY_PATTERN = whole("[A-Za-z0-9_-]{16,128}")
"""Of a secret."""

CARRIER_SECRET_PATTERN = whole("[!-~]{16,256}")
"""Of a secret that a carrier made."""

LOGIN_PATTERN = whole("[!-9;-~]{1,128}")
"""Of a user's name that a colon and a password follow."""

PUBLIC_KEY_PATTERN = whole("[A-Za-z0-9+/]{43}=")
"""Of 32 bytes in base64."""

HASH_PATTERN = whole("sha256:[0-9a-f]{64}")
"""Of what is kept of a secret."""

COUNTRY_PATTERN = whole("[A-Z]{2}|001")
"""Of a country."""

AREA_PATTERN = whole("[0-9]{1,5}")
"""Of the digits that numbers begin with."""

PACE_PATTERN = whole(pace.PATTERN)
"""Of a share in a span."""

SHRINK_PATTERN = whole(f"{'|'.join(pace.WORDS)}|{pace.PATTERN}")
"""Of the same, or a word for it."""

Identifier = Annotated[str, Meta(pattern=ID_PATTERN)]
"""An account, pool or stock id."""

Key = Annotated[str, Meta(pattern=KEY_PATTERN)]
"""A secret: a RingPool key or an account's API key."""

Hash = Annotated[str, Meta(pattern=HASH_PATTERN)]
"""An API key as it is kept (``security.api_keys``)."""

Instant = Annotated[datetime, Meta(tz=True)]
"""A time with its offset."""

Number = Annotated[str, Meta(min_length=1, max_length=40)]
"""A phone number as written; once it is validated, E.164 with ``;ext=`` if it has an extension."""

Numbers = tuple[Number, ...] | UnsetType
"""All the numbers that belong to a pool or stock; UNSET: those it has, whichever they are."""


class PoolType(enum.StrEnum):
    """What the parameter tuple of a pool is made of (see ``pool_tuples``)."""

    CUSTOM = "custom"
    CUSTOM_SEARCH = "custom_search"
    SEARCH = "search"
    SEARCH_KEYWORD_ID = "search_keyword_id"
    REFERRER = "referrer"
    REFERRER_SEARCH = "referrer_search"
    VISITOR = "visitor"
    STATIC = "static"


class Recycle(enum.StrEnum):
    """Which recyclable number goes next when no unassigned one is left."""

    LEAST_ACTIVE = "least_active"
    MOST_ACTIVE = "most_active"
    ROUND_ROBIN = "round_robin"
    LAST_IN_FIRST_OUT = "last_in_first_out"
    WEIGHTED_RANDOM = "weighted_random"


class Fill(enum.StrEnum):
    """When a pool takes numbers from its stock: as tuples need them and a few ahead, or at once."""

    ON_DEMAND = "on_demand"
    IMMEDIATE = "immediate"


class Touch(enum.StrEnum):
    """Which visit of a visitor a tuple is made of: the one that came first, or the present one."""

    FIRST = "first"
    LAST = "last"


class NumberFormat(enum.StrEnum):
    """How a number is written on a page."""

    AS_FOUND = "as_found"
    NATIONAL = "national"
    INTERNATIONAL = "international"
    E164 = "e164"


class Require(enum.StrEnum):
    """How many of its parameters a tuple must have for the pool to give it a number."""

    NONE = "none"
    ANY = "any"
    ALL = "all"


class Match(enum.StrEnum):
    """By what a number of the pool's fits a visitor."""

    AREA = "area"


class NumberType(enum.StrEnum):
    """What callers pay for, or reach, by a number (``numbers.kinds``)."""

    LOCAL = "local"
    MOBILE = "mobile"
    TOLL_FREE = "toll_free"
    SHARED_COST = "shared_cost"
    PREMIUM_RATE = "premium_rate"
    VOIP = "voip"
    OTHER = "other"


class StockKind(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A stock, and of which kind a pool takes its numbers. What isn't given may be anything.

    ``country``: two letters (ISO 3166), or 001 for numbers of no country. ``area``: the digits that
    a number of that country begins with, as in 212.
    """

    id: Identifier
    country: Annotated[str, Meta(pattern=COUNTRY_PATTERN)] | None = None
    type: NumberType | None = None
    area: Annotated[str, Meta(pattern=AREA_PATTERN)] | None = None


class Autoscale(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How fast a pool grows ahead of need, and gives back what it doesn't need.

    ``grow``: at most this share of ``max_size`` in each such span. ``shrink``: of the numbers that
    were unused for such a span, at most this share of ``max_size``; ``never``: none.
    """

    grow: Annotated[str, Meta(pattern=PACE_PATTERN)] = "10% / 5m"
    shrink: Annotated[str, Meta(pattern=SHRINK_PATTERN)] = "daily"


Weight = Annotated[float, Meta(ge=0, le=1_000_000)]
"""What an event counts for, next to others."""


_CALL_WEIGHT, _CLICK_WEIGHT = 1.0, 0.25


class Activity(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """How much one call and one click weigh when activity is compared, and how fast that fades.

    ``half_life``: after it an event counts half. None: the pool's minimum duration.
    """

    call: Weight = _CALL_WEIGHT
    click: Weight = _CLICK_WEIGHT
    half_life: Duration | None = None

    def __post_init__(self) -> None:
        """Have what equals a default be it, as only that is left out where it is written."""
        for name, default in (("call", _CALL_WEIGHT), ("click", _CLICK_WEIGHT)):
            if getattr(self, name) == default:
                force_setattr(self, name, default)


class Budget(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one client network, a /24 or a /64, may have of a pool. 0: as much as there is.

    ``share``: percent of the numbers inside guarantees that it began, ``least`` at least. ``rate``:
    new ones a minute; ``key_rate``: that of everybody who has the pool's key, together.
    """

    share: Annotated[int, Meta(ge=0, le=100)] = 20
    least: Annotated[int, Meta(ge=0, le=10_000_000)] = 5
    rate: Annotated[int, Meta(ge=0, le=60_000)] = 60
    key_rate: Annotated[int, Meta(ge=0, le=60_000)] = 0


WebAddress = Annotated[str, Meta(max_length=2048)]
"""Of a receiver of webhooks."""


class OnExhausted(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which address is notified when a pool has no number left to give."""

    webhook: WebAddress


class Event(enum.StrEnum):
    """What others can be told of."""

    EXHAUSTED = "exhausted"
    RECOVERING = "recovering"
    WILL_BE_EXHAUSTED = "will_be_exhausted"
    GROWN = "grown"
    STOCK_LOW = "stock_low"
    CONFIGURATION_CHANGED = "configuration_changed"


_ATOM, _LABEL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+", "[A-Za-z0-9-]+"
MAIL_ADDRESS_PATTERN = whole(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
"""Of one address, without a name and without what could end a header."""

MailAddress = Annotated[str, Meta(pattern=MAIL_ADDRESS_PATTERN, max_length=254)]
"""Of who gets e-mail."""


class Notify(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Who is told of which events: a webhook or an e-mail address.

    ``secret``: signs what a webhook gets, and so does ``former_secret``, while receivers change
    from that to the other. UNSET: those that the same webhook has. ``events``: none means all.
    ``cooldown``: of one event of one pool it is told at most once in this time.
    """

    webhook: WebAddress | None = None
    email: MailAddress | None = None
    secret: Key | UnsetType = UNSET
    former_secret: Key | UnsetType = UNSET
    events: tuple[Event, ...] = ()
    cooldown: Duration = Duration(600_000)


Notified = Annotated[tuple[Notify, ...], Meta(max_length=10)]
"""All who are told of an account's or a pool's events."""


Text = Annotated[str, Meta(min_length=1, max_length=512)]
"""What a value is compared with."""


class Comparison(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A condition that isn't a text or a list of texts: exactly one of its keys is given.

    ``pattern``: RE2's syntax, found anywhere in the value. ``present``: whether there is a value.
    """

    prefix: Text | None = None
    pattern: Text | None = None
    present: bool | None = None


Condition = Text | Annotated[tuple[Text, ...], Meta(min_length=1, max_length=1000)] | Comparison
"""What a field of a visit must be: this text, one of these, or what the comparison says."""

When = Annotated[dict[str, Condition], Meta(min_length=1, max_length=20)]
"""Conditions by field (``visits.source_rules``), all of which a visit must meet."""


class ValuePattern(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Values in which the pattern, of RE2's syntax, is found."""

    pattern: Text


AllowedValues = (
    Annotated[tuple[Annotated[str, Meta(max_length=512)], ...], Meta(min_length=1, max_length=1000)]
    | ValuePattern
)
"""The legitimate values of a parameter: these, or what a pattern is found in."""


CarrierSecret = Annotated[str, Meta(pattern=CARRIER_SECRET_PATTERN)]
"""What a carrier signs with."""

PublicKey = Annotated[str, Meta(pattern=PUBLIC_KEY_PATTERN)]
"""An Ed25519 key that verifies."""


class SharedKey(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A key that Twilio signs with in the place of an auth token. ``secret`` UNSET: as it is."""

    id: Annotated[str, Meta(min_length=1, max_length=128)]
    secret: CarrierSecret | UnsetType = UNSET


class TwilioAccess(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """What Twilio signs with. ``auth_token`` UNSET: this and the former one are as they are."""

    auth_token: CarrierSecret | UnsetType = UNSET
    former_auth_token: CarrierSecret | UnsetType = UNSET
    shared_keys: Annotated[tuple[SharedKey, ...], Meta(max_length=10)] = ()


class TelnyxAccess(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """The public key of the account at Telnyx, and the one before, while both may sign."""

    public_key: PublicKey
    former_public_key: PublicKey | None = None


class FreeSwitchAccess(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """How FreeSWITCH logs in: ``cred`` of its ``json_cdr.conf``; ``password`` UNSET: as it is.

    ``encode_values``: as there: whether its variables are URL-encoded.
    """

    user: Annotated[str, Meta(pattern=LOGIN_PATTERN)]
    password: CarrierSecret | UnsetType = UNSET
    encode_values: bool = True


class GenericAccess(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """What own software signs with (``security.body_signature``). UNSET: both are as they are."""

    secret: Key | UnsetType = UNSET
    former_secret: Key | UnsetType = UNSET


class Carriers(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """How carriers prove that what they tell of an account's calls comes from them."""

    twilio: TwilioAccess | None = None
    telnyx: TelnyxAccess | None = None
    freeswitch: FreeSwitchAccess | None = None
    generic: GenericAccess | None = None


class Quota(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """How much an account may have at most. None: any number of them.

    ``requests``: with its API keys, a minute. ``history``: bytes of one number's former holders.
    """

    pools: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    stocks: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    numbers: Annotated[int, Meta(ge=0, le=10_000_000)] | None = None
    requests: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    history: Annotated[int, Meta(ge=0, le=262_144)] | None = None


class Scope(enum.StrEnum):
    """What an API key may do. MANAGE includes READ."""

    READ = "read"
    CALLS = "calls"
    ALLOCATE = "allocate"
    MANAGE = "manage"


class FormerApiKey(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The key that an API key took the place of, which works until then."""

    hash: Hash
    until: Instant


class ApiKey(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """An API key of an account, without its text. ``scopes``: each once, in the order of Scope.

    ``created``: absent where nobody knows. ``expires``: it works before then; absent: for ever.
    """

    name: Identifier
    hash: Hash
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=10)]
    created: Instant | None = None
    expires: Instant | None = None
    former: FormerApiKey | None = None

    def __post_init__(self) -> None:
        """Put the scopes in order."""
        force_setattr(self, "scopes", tuple(scope for scope in Scope if scope in self.scopes))


MAX_API_KEYS = 100
"""Of one account."""

MAX_FALLBACKS = 5
"""Pools that may be asked one after the other when the first has nothing to give."""


class Unroutable(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What becomes of calls to an account's numbers for which no pool has a destination.

    ``destination``: where they go; ``announcement``: what their callers hear. One of the two.
    """

    destination: Number | None = None
    announcement: Annotated[str, Meta(min_length=1, max_length=1000)] | None = None


class Account(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """An advertiser, publisher or network. ``origins``: pages that may ask; empty means any.

    ``api_keys``: all that it has; UNSET: those it has, whichever they are. One may be given as its
    plain text, which is hashed here, so that it gets no further: it may do everything, and is named
    for its fingerprint. ``unroutable``: None: such calls are rejected. ``store_callers``: callers'
    numbers are kept plain, beside their hashes. ``retention``: how long the archive keeps what it
    has of the account; None: for ever.
    """

    id: Identifier
    name: Annotated[str, Meta(max_length=200)] = ""
    origins: tuple[Annotated[str, Meta(max_length=300)], ...] = ()
    unroutable: Unroutable | None = None
    api_keys: Annotated[tuple[Key | ApiKey, ...], Meta(max_length=MAX_API_KEYS)] | UnsetType = UNSET
    quota: Quota | None = None
    notify: Notified = ()
    store_callers: bool = False
    retention: Duration | None = None
    carriers: Carriers | None = None

    def __post_init__(self) -> None:
        """Hash the keys that came as plain texts."""
        force_setattr(self, "api_keys", tuple(map(_hashed, self.api_keys or ())) or self.api_keys)

    @property
    def keys(self) -> tuple[ApiKey, ...]:
        """Its API keys, if it is known which they are."""
        return tuple(key for key in self.api_keys or () if isinstance(key, ApiKey))


def _hashed(key: str | ApiKey) -> ApiKey:
    if isinstance(key, ApiKey):
        return key
    kept = hash_of(key)
    return ApiKey(name=f"key-{fingerprint(kept)}", hash=kept, scopes=tuple(Scope))


class FormerKey(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The key that a pool's key took the place of, which works until then."""

    key: Key
    until: Instant


class Pool(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A RingPool: numbers handed out to parameter tuples under one set of rules."""

    id: Identifier
    account: Identifier
    name: Annotated[str, Meta(max_length=200)] = ""
    key: Key | UnsetType = UNSET
    former_key: FormerKey | UnsetType = UNSET
    type: PoolType = PoolType.CUSTOM
    parameters: Annotated[tuple[str, ...], Meta(max_length=10)] = ()
    values: Annotated[dict[str, AllowedValues], Meta(min_length=1, max_length=12)] | None = None
    strict: bool = False
    require: Require = Require.NONE
    min_duration: Duration = Duration(600_000)
    hold_on_activity: Duration | None = None
    recycle: Recycle = Recycle.LEAST_ACTIVE
    activity: Activity = Activity()
    max_size: Annotated[int, Meta(ge=1, le=10_000_000)] | None = None
    fill: Fill = Fill.ON_DEMAND
    numbers: Numbers = UNSET
    stock: Identifier | StockKind | None = None
    initial: Annotated[int, Meta(ge=0, le=10_000_000)] | None = None
    low_water: Annotated[int, Meta(ge=0, le=10_000_000)] | None = None
    autoscale: Autoscale | None = None
    match: Match | None = None
    fallback: Identifier | None = None
    overflow_number: Number | None = None
    allow_overflow: bool = True
    destination: Number | None = None
    whisper: Annotated[str, Meta(max_length=500)] = ""
    landing_url: Annotated[str, Meta(max_length=2048)] | None = None
    swap_targets: tuple[Number, ...] = ()
    when: When | None = None
    priority: Annotated[int, Meta(ge=0, le=1_000_000)] = 100
    touch: Touch = Touch.LAST
    sticky: bool = False
    format: NumberFormat = NumberFormat.AS_FOUND
    mobile_click_to_call: bool = False
    budget: Budget = Budget()
    history_bytes: Annotated[int, Meta(ge=0, le=262_144)] = 4096
    on_exhausted: OnExhausted | None = None
    notify: Notified = ()

    @property
    def hold(self) -> Duration:
        """For how long a click or ping holds a number: ``hold_on_activity``, else as a new one."""
        if self.type is PoolType.STATIC:
            return Duration(0)
        return self.min_duration if self.hold_on_activity is None else self.hold_on_activity

    @property
    def stock_id(self) -> str | None:
        """The stock that it grows from."""
        return self.stock.id if isinstance(self.stock, StockKind) else self.stock

    @property
    def kind(self) -> StockKind | None:
        """Which kind of the stock's numbers it takes; None: any."""
        asked = self.stock
        if isinstance(asked, StockKind) and (asked.country or asked.type or asked.area):
            return asked
        return None


class Stock(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Numbers kept ready, from which an account's pools grow.

    ``quiet``: how long after the last call one that was called while it rested isn't lent.
    """

    id: Identifier
    account: Identifier
    quarantine: Duration = Duration(30 * 86_400_000)
    quiet: Duration = Duration(7 * 86_400_000)
    low: Annotated[int, Meta(ge=0, le=10_000_000)] | None = None
    numbers: Numbers = UNSET


class Configuration(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """The whole configuration file."""

    accounts: tuple[Account, ...] = ()
    pools: tuple[Pool, ...] = ()
    stocks: tuple[Stock, ...] = ()


Entity = Account | Pool | Stock
Kind = Literal["account", "pool", "stock"]

KINDS: Mapping[Kind, type[Account] | type[Pool] | type[Stock]] = {
    "account": Account,
    "pool": Pool,
    "stock": Stock,
}
"""The kinds of entities, in the order of the configuration file."""

SECTIONS = {f"{kind}s": entity_type for kind, entity_type in KINDS.items()}
"""The sections of the configuration file, and what each is a list of."""


def without_secrets(entity: Entity) -> Entity:
    """Return the entity without secrets of webhooks and carriers, which nobody is shown again."""
    if isinstance(entity, Stock):
        return entity
    if entity.notify:
        notify = tuple(replace(each, secret=UNSET, former_secret=UNSET) for each in entity.notify)
        entity = replace(entity, notify=notify)
    if isinstance(entity, Account) and entity.carriers is not None:
        entity = replace(entity, carriers=_without_carrier_secrets(entity.carriers))
    return entity


def _without_carrier_secrets(carriers: Carriers) -> Carriers:
    twilio, freeswitch = carriers.twilio, carriers.freeswitch
    return replace(
        carriers,
        twilio=twilio
        and TwilioAccess(shared_keys=tuple(SharedKey(id=key.id) for key in twilio.shared_keys)),
        freeswitch=freeswitch and replace(freeswitch, password=UNSET),
        generic=carriers.generic and GenericAccess(),
    )


def rules(pool: Pool, areas: str = "", quota: Quota | None = None, of_stock: str = "") -> Rules:
    """Return the part of a pool that the allocator needs.

    ``areas``: those of its numbers and its stock's (``answers.area_list``), with ``match: area``.
    ``quota``: its account's. ``of_stock``: where its kind of the stock's numbers is, when it takes
    one kind alone.
    """
    return Rules(
        min_duration=int(pool.min_duration),
        hold_on_activity=int(pool.hold),
        recycle=pool.recycle.value,
        call_weight=pool.activity.call,
        click_weight=pool.activity.click,
        half_life=int(pool.activity.half_life or pool.min_duration),
        max_size=pool.max_size or 0,
        stock=pool.stock_id or "",
        of_stock=of_stock,
        overflow_number=(pool.overflow_number or "") if pool.allow_overflow else "",
        allow_overflow=pool.allow_overflow,
        history_bytes=pool.history_bytes,
        areas=areas,
        budget_share=pool.budget.share,
        budget_least=pool.budget.least,
        budget_rate=pool.budget.rate,
        key_rate=pool.budget.key_rate,
        owner=pool.account,
        history_most=None if quota is None else quota.history,
    )


def roles(pools: Iterable[Pool]) -> Mapping[tuple[str, str], str]:
    """Return (pool id, path in the pool) → number, for numbers that no pool may hand out."""
    found: dict[tuple[str, str], str] = {}
    for pool in pools:
        if pool.overflow_number:
            found[pool.id, "overflow_number"] = pool.overflow_number
        if pool.destination:
            found[pool.id, "destination"] = pool.destination
        for index, target in enumerate(pool.swap_targets):
            if target:
                found[pool.id, f"swap_targets[{index}]"] = target
    return found
