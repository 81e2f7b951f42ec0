"""Where a visit came from, read from the page's URL and its referrer.

Both come from the visitor's browser and may be anything: nothing here raises on them, what can't be
read is left out, and every part that is kept has a maximum length.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec import Struct, structs

from ringpool.visits.queries import read_query
from ringpool.visits.search_engines import Engine, recognise
from ringpool.visits.tuples import tidied

NOT_PROVIDED = "(not provided)"
"""The keywords of a search whose engine keeps the query to itself, as most do."""

MAX_URL = 8192
"""Characters of a URL that are read; the rest is ignored."""

MAX_ATTRIBUTES = 1024
"""Bytes of ``pack``."""

_MAX_ATTRIBUTE = 300  # bytes of one value, so that a long URL leaves room for the others
_MAX_CLICK_ID = 200  # characters; Google's, the longest, stay under 120


# What urlsplit would drop too: anywhere in a URL, and before it.
_DROPPED = re.compile(r"[\t\r\n]")
_STRIPPED = "".join(map(chr, range(33)))
_SHORT_ADDRESS = 300  # longer ones aren't remembered
_SCHEMES = frozenset(("http", "https", "android-app"))
_HOST = re.compile(r"[\w.:-]{1,253}")


class Medium(enum.StrEnum):
    """How the visitor probably came: by an advertisement, a search, a link or directly."""

    PAID = "paid"
    ORGANIC = "organic"
    SOCIAL = "social"
    REFERRAL = "referral"
    DIRECT = "direct"


class _ClickId(Struct, frozen=True):
    """``engine``: the search engine whose ads carry it, if one does."""

    medium: Medium
    engine: str = ""


# Names as ``read_query`` returns them. Those that networks add to unpaid links too aren't paid.
CLICK_IDS = {
    "gclid": _ClickId(Medium.PAID, "Google"),
    "gbraid": _ClickId(Medium.PAID, "Google"),  # app and cross-device campaigns on iOS
    "wbraid": _ClickId(Medium.PAID, "Google"),
    "msclkid": _ClickId(Medium.PAID, "Bing"),
    "yclid": _ClickId(Medium.PAID, "Yandex"),
    "dclid": _ClickId(Medium.PAID),  # Google's display network, where nobody searched
    "fbclid": _ClickId(Medium.SOCIAL),
    "igshid": _ClickId(Medium.SOCIAL),
    "ttclid": _ClickId(Medium.PAID),  # TikTok
    "twclid": _ClickId(Medium.PAID),  # X
    "li_fat_id": _ClickId(Medium.PAID),  # LinkedIn
    "epik": _ClickId(Medium.SOCIAL),  # Pinterest
    "sccid": _ClickId(Medium.PAID),  # Snapchat
    "rdt_cid": _ClickId(Medium.PAID),  # Reddit
    "qclid": _ClickId(Medium.PAID),  # Quora
    "tblci": _ClickId(Medium.PAID),  # Taboola
    "dicbo": _ClickId(Medium.PAID),  # Outbrain
    "vmcid": _ClickId(Medium.PAID),  # Yahoo's native ads
    "irclickid": _ClickId(Medium.PAID),  # impact.com
    "cjevent": _ClickId(Medium.PAID),  # CJ
    "awc": _ClickId(Medium.PAID),  # Awin
}

UTM_NAMES = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id")

# Only the letters count: "paid-social" is "paidsocial". Whatever begins with "paid" is paid.
_NO_LETTERS = re.compile(r"[^a-z]+")
_UTM_MEDIUMS = {
    **dict.fromkeys(("cpc", "ppc", "cpm", "cpv", "cpa", "cpl", "sem", "display"), Medium.PAID),
    **dict.fromkeys(("banner", "retargeting", "remarketing"), Medium.PAID),
    **dict.fromkeys(("social", "socialmedia", "socialnetwork", "sm"), Medium.SOCIAL),
    "organic": Medium.ORGANIC,
    "referral": Medium.REFERRAL,
    "email": Medium.REFERRAL,
}

# With every host under them: l.facebook.com, out.reddit.com.
_SOCIAL_DOMAINS = frozenset(
    (
        "bsky.app",
        "com.facebook.katana",
        "com.linkedin.android",
        "com.reddit.frontpage",
        "com.twitter.android",
        "facebook.com",
        "instagram.com",
        "line.me",
        "linkedin.com",
        "lnkd.in",
        "mastodon.social",
        "ok.ru",
        "pin.it",
        "pinterest.com",
        "quora.com",
        "reddit.com",
        "snapchat.com",
        "t.co",
        "t.me",
        "threads.com",
        "threads.net",
        "tiktok.com",
        "tumblr.com",
        "twitter.com",
        "vk.com",
        "weibo.com",
        "whatsapp.com",
        "x.com",
        "xing.com",
        "youtube.com",
    )
)


class TrafficSource(Struct, frozen=True, kw_only=True):
    """Where one visit came from. "" stands for unknown everywhere.

    ``url_parameters``, ``referrer_parameters``: what the page's URL and the referrer carry, names
    lower-case; here "" is a value. Hosts are
    lower-case without ``www.``; paths have their percent-encoding undone. ``landing_page`` and
    ``referrer`` are URLs without user names, passwords and fragments. A referrer on the page's own
    host is none.
    """

    search_engine: str = ""
    search_keywords: str = ""
    search_keyword_id: str = ""
    click_ids: Mapping[str, str] = MappingProxyType({})
    utm: Mapping[str, str] = MappingProxyType({})
    medium: Medium = Medium.DIRECT
    landing_page: str = ""
    host: str = ""
    path: str = ""
    referrer: str = ""
    referrer_host: str = ""
    referrer_path: str = ""
    url_parameters: Mapping[str, str] = MappingProxyType({})
    referrer_parameters: Mapping[str, str] = MappingProxyType({})

    def fact(self, name: str) -> str:
        """What is known under a name: a field, a click id, ``utm_…``, ``referrer.NAME``; or ""."""
        if name in _FACTS:
            value: str = getattr(self, name)
            return value
        if name.startswith(_OF_REFERRER):
            return self.referrer_parameters.get(name.removeprefix(_OF_REFERRER), "")
        return self.click_ids.get(name, "") or self.utm.get(name, "")


_OF_REFERRER = "referrer."

_FACTS = frozenset(
    (
        "search_engine",
        "search_keywords",
        "search_keyword_id",
        "medium",
        "landing_page",
        "host",
        "path",
        "referrer",
        "referrer_host",
        "referrer_path",
    )
)


_DIRECT = TrafficSource()
_TRACKED = (*CLICK_IDS, *UTM_NAMES)
SOURCE_PARAMETERS = frozenset((*_TRACKED, "search_engine", "search_keywords", "search_keyword_id"))
"""Parameters that a source can be read from."""


class Location(Struct, frozen=True):
    """A page address in parts, each of bounded length; all of them empty for what isn't one.

    ``address``: the URL up to its query, without user name and password.
    """

    address: str = ""
    query: str = ""
    host: str = ""
    path: str = ""
    parameters: Mapping[str, str] = MappingProxyType({})

    @property
    def url(self) -> str:
        """The URL without fragment, at most MAX_VALUE characters of it."""
        return tidied(f"{self.address}?{self.query}" if self.query else self.address)


NOWHERE = Location()


def from_location(page: Location, referrer: str, given: Mapping[str, str]) -> TrafficSource:
    """The source of a visit to a page that came from ``referrer``.

    ``given``: parameters that the caller gives explicitly, names lower-case. Their
    ``search_engine``, ``search_keywords``, ``search_keyword_id``, ``utm_…`` and click ids win over
    the URL's, and those over what the referrer shows. Without a referrer, the click id of a search
    engine's ad names the engine.
    """
    if page is NOWHERE and not referrer and SOURCE_PARAMETERS.isdisjoint(given):
        return _DIRECT
    origin = locate(referrer)
    if origin.host == page.host:  # a click from page to page inside the site
        origin = NOWHERE

    values = {**page.parameters, **given}
    click_ids: dict[str, str] = {}
    utm: dict[str, str] = {}
    for name in _TRACKED:
        if name in values and (value := tidied(values[name])):
            if name in CLICK_IDS:
                click_ids[name] = value[:_MAX_CLICK_ID]
            else:
                utm[name] = value

    referring_engine = recognise(origin.host)
    engine = tidied(values.get("search_engine", ""))
    if not engine and referring_engine:
        engine = referring_engine.name
    elif not engine and not origin.host:
        engine = next((CLICK_IDS[name].engine for name in click_ids), "")

    keywords = tidied(values.get("search_keywords", ""))
    if not keywords and referring_engine:
        keywords = _keywords(referring_engine, origin.parameters)
    if not keywords and engine:
        keywords = utm.get("utm_term", NOT_PROVIDED)  # ads carry the keyword they bought there

    return TrafficSource(
        search_engine=engine,
        search_keywords=keywords,
        search_keyword_id=tidied(values.get("search_keyword_id", "")),
        click_ids=click_ids,
        utm=utm,
        medium=_medium(click_ids, utm, engine, origin.host),
        landing_page=page.url,
        host=page.host,
        path=page.path,
        referrer=origin.url,
        referrer_host=origin.host,
        referrer_path=origin.path,
        url_parameters=page.parameters,
        referrer_parameters=origin.parameters,
    )


def attributes(
    source: TrafficSource, extra: Mapping[str, str] = MappingProxyType({})
) -> dict[str, str]:
    """What is kept of a click with its assignment: ``extra`` (device…), then the source's fields.

    Long values are cut; what doesn't fit into MAX_ATTRIBUTES once packed is left out, the bulky
    URLs first. Hosts and paths are in the URLs and aren't kept twice.
    """
    facts = {name: tidied(value) for name, value in extra.items()}
    known = (
        ("search_engine", source.search_engine),
        ("search_keywords", source.search_keywords),
        ("search_keyword_id", source.search_keyword_id),
        ("medium", source.medium.value),
        *source.click_ids.items(),
        *source.utm.items(),
        ("referrer", source.referrer),
        ("landing_page", source.landing_page),
    )
    facts |= {name: value for name, value in known if value}

    kept: dict[str, str] = {}
    room = MAX_ATTRIBUTES - 1  # braces, less the comma that the last one lacks
    for name, value in facts.items():
        if len(value) > _MAX_ATTRIBUTE or not value.isascii():
            value = value.encode()[:_MAX_ATTRIBUTE].decode("utf-8", "ignore")
        size = len(msgspec.json.encode(value)) + len(name) + 4  # quotes, colon, comma
        if value and size <= room:
            kept[name] = value
            room -= size
    return kept


def pack(attributes: Mapping[str, str]) -> bytes:
    """The JSON object that ``Ask.attributes`` carries; b"" when there is nothing to keep."""
    return msgspec.json.encode(attributes) if attributes else b""


_DIRECT_PACKED = pack(attributes(_DIRECT))


def packed_attributes(source: TrafficSource, extra: Mapping[str, str]) -> bytes:
    """``attributes`` packed; made once for all visits of which nothing is known."""
    return pack(attributes(source, extra)) if extra or source is not _DIRECT else _DIRECT_PACKED


def locate(text: str) -> Location:
    """Take a page's URL apart; NOWHERE for what is no URL of a page."""
    if not text:
        return NOWHERE
    if len(text) > MAX_URL:
        # A field that is cut off would be another value: it is left out.
        text = text[:MAX_URL]
        cut = True
    else:
        cut = False
    text = _DROPPED.sub("", text).lstrip(_STRIPPED)
    text = text.partition("#")[0]
    address, _, query = text.partition("?")
    place = _place(address) if len(address) <= _SHORT_ADDRESS else _place.__wrapped__(address)
    if place is NOWHERE:
        return NOWHERE
    if cut:
        query = query.rpartition("&")[0]
    return structs.replace(place, query=query, parameters=read_query(query, lenient=True))


@lru_cache(maxsize=4096)
def _place(address: str) -> Location:
    """A URL without query and fragment. Cached, as sites have few pages and many queries."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return NOWHERE
    if parts.scheme not in _SCHEMES or not _HOST.fullmatch(host):
        return NOWHERE
    netloc = parts.netloc.rpartition("@")[2]
    return Location(
        address=parts._replace(netloc=netloc).geturl(),
        host=host.rstrip(".").removeprefix("www."),
        path=tidied(unquote(parts.path)) or "/",
    )


def _keywords(engine: Engine, parameters: Mapping[str, str]) -> str:
    for name in engine.query_parameters:
        keywords = tidied(parameters.get(name, ""))
        # In redirects (google.com/url?q=https://…) it is the page they lead to.
        if keywords and not keywords.startswith(("http://", "https://")):
            return keywords
    return ""


def _medium(
    click_ids: Mapping[str, str], utm: Mapping[str, str], engine: str, referrer_host: str
) -> Medium:
    named = _NO_LETTERS.sub("", utm.get("utm_medium", "").lower())
    clicked = {CLICK_IDS[name].medium for name in click_ids}
    if Medium.PAID in clicked or named.startswith("paid"):
        return Medium.PAID
    if named in _UTM_MEDIUMS:
        return _UTM_MEDIUMS[named]
    if engine:
        return Medium.ORGANIC
    if clicked or _is_social(referrer_host):
        return Medium.SOCIAL
    return Medium.REFERRAL if referrer_host or utm else Medium.DIRECT


def _is_social(host: str) -> bool:
    labels = host.split(".")
    return any(".".join(labels[start:]) in _SOCIAL_DOMAINS for start in range(len(labels) - 1))
