"""The table of search engines."""

from __future__ import annotations

import pytest

from ringpool.visits.search_engines import recognise


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("www.google.com", "Google"),
        ("google.co.uk", "Google"),
        ("WWW.Google.COM.", "Google"),
        ("images.google.de", "Google"),
        ("com.google.android.googlequicksearchbox", "Google"),
        ("www.bing.com", "Bing"),
        ("uk.search.yahoo.com", "Yahoo"),
        ("search.yahoo.co.jp", "Yahoo"),
        ("duckduckgo.com", "DuckDuckGo"),
        ("search.aol.com", "AOL"),
        ("m.baidu.com", "Baidu"),
        ("yandex.com.tr", "Yandex"),
        ("ya.ru", "Yandex"),
        ("www.ecosia.org", "Ecosia"),
        ("search.naver.com", "Naver"),
        ("search.seznam.cz", "Seznam"),
        ("www.qwant.com", "Qwant"),
        ("search.brave.com", "Brave"),
        ("www.startpage.com", "Startpage"),
        ("uk.ask.com", "Ask"),
    ],
)
def test_result_pages_are_recognised_by_host(host: str, name: str) -> None:
    """Country domains, regional and mobile hosts belong to their engine; case doesn't count."""
    engine = recognise(host)
    assert engine is not None
    assert engine.name == name


@pytest.mark.parametrize(
    "host",
    [
        "",
        ".",
        "com",
        "google.com.evil.example",
        "evil-google.com",
        "evilgoogle.com",
        "mail.google.com",
        "accounts.google.com",
        "docs.google.com",
        "google.evil.example",
        "mail.yahoo.com",
        "brave.com",
        "blog.naver.com",
        "www.www.google.com",
    ],
)
def test_other_hosts_are_no_engines(host: str) -> None:
    """A look-alike host or another service of the same firm isn't a search."""
    assert recognise(host) is None


@pytest.mark.parametrize(
    ("host", "parameter"),
    [("google.com", "q"), ("search.yahoo.com", "p"), ("baidu.com", "wd"), ("yandex.ru", "text")],
)
def test_each_engine_has_its_query_parameter(host: str, parameter: str) -> None:
    """The first parameter of an engine is the one its result pages use."""
    engine = recognise(host)
    assert engine is not None
    assert engine.query_parameters[0] == parameter
