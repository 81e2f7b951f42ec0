"""Search engines as a table: the hosts their visitors come from, and which parameter has the query.

Hosts are matched whole, so neither ``google.com.evil.example`` nor ``mail.google.com`` is a search.
Most engines have their visitors' browsers send the host alone; the query parameters serve those
that still send more.
"""

from __future__ import annotations

from msgspec import Struct


class Engine(Struct, frozen=True):
    """``name`` as in reports; ``query_parameters`` of its result pages, most usual first."""

    name: str
    query_parameters: tuple[str, ...]


def recognise(host: str) -> Engine | None:
    """The engine whose result pages are at ``host`` (no port; any case), or None."""
    return _ENGINES_BY_HOST.get(host.lower().rstrip(".").removeprefix("www."))


# fmt: off
_GOOGLE_DOMAINS = (
    "com", "ad", "ae", "com.af", "com.ag", "com.ai", "al", "am", "co.ao", "com.ar", "as", "at",
    "com.au", "az", "ba", "com.bd", "be", "bf", "bg", "com.bh", "bi", "bj", "com.bn", "com.bo",
    "com.br", "bs", "bt", "co.bw", "by", "com.bz", "ca", "cat", "cc", "cd", "cf", "cg", "ch", "ci",
    "co.ck", "cl", "cm", "cn", "com.co", "co.cr", "com.cu", "cv", "com.cy", "cz", "de", "dj", "dk",
    "dm", "com.do", "dz", "com.ec", "ee", "com.eg", "es", "com.et", "fi", "com.fj", "fm", "fr",
    "ga", "ge", "gf", "gg", "com.gh", "com.gi", "gl", "gm", "gp", "gr", "com.gt", "gy", "com.hk",
    "hn", "hr", "ht", "hu", "co.id", "ie", "co.il", "im", "co.in", "io", "iq", "is", "it", "je",
    "com.jm", "jo", "co.jp", "co.ke", "com.kh", "ki", "kg", "co.kr", "com.kw", "kz", "la", "com.lb",
    "com.lc", "li", "lk", "co.ls", "lt", "lu", "lv", "com.ly", "co.ma", "md", "me", "mg", "mk",
    "ml", "com.mm", "mn", "ms", "com.mt", "mu", "mv", "mw", "com.mx", "com.my", "co.mz", "com.na",
    "ne", "com.nf", "com.ng", "com.ni", "nl", "no", "com.np", "nr", "nu", "co.nz", "com.om",
    "com.pa", "com.pe", "com.pg", "com.ph", "com.pk", "pl", "pn", "com.pr", "ps", "pt", "com.py",
    "com.qa", "ro", "rs", "ru", "rw", "com.sa", "com.sb", "sc", "se", "com.sg", "sh", "si", "sk",
    "com.sl", "sm", "sn", "so", "sr", "st", "com.sv", "td", "tg", "co.th", "com.tj", "tk", "tl",
    "tm", "tn", "to", "com.tr", "tt", "com.tw", "co.tz", "com.ua", "co.ug", "co.uk", "com.uy",
    "co.uz", "com.vc", "co.ve", "vg", "co.vi", "com.vn", "vu", "ws", "co.za", "co.zm", "co.zw",
)
_YAHOO_REGIONS = (
    "ar", "at", "au", "be", "br", "ca", "ch", "cl", "co", "de", "dk", "es", "espanol", "fi", "fr",
    "hk", "id", "ie", "in", "it", "malaysia", "mx", "nl", "no", "nz", "pe", "ph", "pl", "qc", "ro",
    "ru", "se", "sg", "th", "tr", "tw", "uk", "us", "ve", "vn", "za",
)
_YANDEX_DOMAINS = (
    "az", "by", "co.il", "com", "com.am", "com.ge", "com.tr", "com.ua", "ee", "eu", "fr", "kg",
    "kz", "lt", "lv", "md", "ru", "tj", "tm", "ua", "uz",
)
_ASK_REGIONS = ("au", "br", "de", "es", "fr", "it", "jp", "mx", "nl", "uk")

# name · query parameters · hosts, without "www."
_TABLE: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("Google", ("q", "query", "as_q"), (
        *(f"google.{domain}" for domain in _GOOGLE_DOMAINS),
        *(f"images.google.{domain}" for domain in _GOOGLE_DOMAINS),
        "encrypted.google.com", "com.google.android.googlequicksearchbox",
    )),
    ("Bing", ("q",), (
        "bing.com", "m.bing.com", "cn.bing.com", "global.bing.com", "search.msn.com",
    )),
    ("Yahoo", ("p", "q"), (
        "search.yahoo.com", "r.search.yahoo.com", "m.search.yahoo.com", "search.yahoo.co.jp",
        *(f"{region}.search.yahoo.com" for region in _YAHOO_REGIONS),
        *(f"{region}.r.search.yahoo.com" for region in _YAHOO_REGIONS),
    )),
    ("DuckDuckGo", ("q",), (
        "duckduckgo.com", "html.duckduckgo.com", "lite.duckduckgo.com", "noai.duckduckgo.com",
        "safe.duckduckgo.com", "start.duckduckgo.com", "duck.com",
    )),
    ("AOL", ("q", "query"), (
        "search.aol.com", "m.search.aol.com", "aolsearch.aol.com", "aolsearch.com",
        "search.aol.co.uk", "search.aol.ca", "recherche.aol.fr", "suche.aol.de",
    )),
    ("Baidu", ("wd", "word", "kw"), ("baidu.com", "m.baidu.com", "wap.baidu.com")),
    ("Yandex", ("text",), (
        *(f"yandex.{domain}" for domain in _YANDEX_DOMAINS),
        *(f"m.yandex.{domain}" for domain in _YANDEX_DOMAINS),
        "ya.ru",
    )),
    ("Ecosia", ("q",), ("ecosia.org",)),
    ("Naver", ("query",), ("search.naver.com", "m.search.naver.com")),
    ("Seznam", ("q",), ("search.seznam.cz",)),
    ("Qwant", ("q",), ("qwant.com", "lite.qwant.com")),
    ("Brave", ("q",), ("search.brave.com",)),
    ("Startpage", ("query", "q"), ("startpage.com", "eu.startpage.com", "us.startpage.com")),
    ("Ask", ("q",), ("ask.com", *(f"{region}.ask.com" for region in _ASK_REGIONS))),
    ("Sogou", ("query", "keyword"), ("sogou.com", "m.sogou.com", "wap.sogou.com")),
    ("360 Search", ("q",), ("so.com", "m.so.com")),
    ("Shenma", ("q",), ("m.sm.cn", "so.m.sm.cn")),
    ("Daum", ("q",), ("search.daum.net", "m.search.daum.net")),
    ("Mojeek", ("q",), ("mojeek.com", "mojeek.co.uk")),
    ("Kagi", ("q",), ("kagi.com",)),
    ("Swisscows", ("query",), ("swisscows.com",)),
    ("MetaGer", ("eingabe",), ("metager.org", "metager.de")),
    ("Presearch", ("q",), ("presearch.com", "engine.presearch.org")),
    ("Mail.ru", ("q",), ("go.mail.ru",)),
    ("Rambler", ("query",), ("nova.rambler.ru",)),
    ("Cốc Cốc", ("query",), ("coccoc.com",)),
    ("Petal", ("query",), ("petalsearch.com",)),
    ("goo", ("mt",), ("search.goo.ne.jp",)),
    ("Lycos", ("q",), ("search.lycos.com",)),
    ("Dogpile", ("q",), ("dogpile.com",)),
    ("WebCrawler", ("q",), ("webcrawler.com",)),
    ("Info.com", ("q", "qkw"), ("info.com",)),
    ("T-Online", ("q",), ("suche.t-online.de",)),
    ("GMX", ("q",), ("suche.gmx.net",)),
    ("WEB.DE", ("q", "su"), ("suche.web.de",)),
    ("You.com", ("q",), ("you.com",)),
)
# fmt: on

_ENGINES_BY_HOST = {
    host: engine
    for name, query_parameters, hosts in _TABLE
    for engine in (Engine(name, query_parameters),)
    for host in hosts
}
