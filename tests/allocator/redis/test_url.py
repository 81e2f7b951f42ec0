"""Store URLs: each kind leads to its backend, and each fault is named without a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from allocator.redis.cluster import ClusterStore
from allocator.redis.standalone import StandaloneStore
from allocator.redis.url import connect


@pytest.mark.parametrize(
    ("url", "backend"),
    [
        ("redis://localhost", StandaloneStore),
        ("redis://user:p%40ss@127.0.0.1:6380/3", StandaloneStore),
        ("redis://[::1]:6380/0", StandaloneStore),
        ("rediss://store.example", StandaloneStore),
        ("unix:///run/store.sock", StandaloneStore),
        ("unix://:pw@/run/store.sock?db=2", StandaloneStore),
        ("redis+sentinel://:pw@one,two:26380/name/1?sentinel_password=pw", StandaloneStore),
        ("rediss+sentinel://one,[::1]:5/name", StandaloneStore),
        ("redis+cluster://one:7000,two,[::1]:7002", ClusterStore),
        ("rediss+cluster://user:pw@one:7000", ClusterStore),
    ],
)
async def test_every_kind_of_url_gives_its_store_without_contacting_it(
    url: str, backend: type
) -> None:
    """A well-formed URL is enough: the store itself may be away."""
    store = await connect(url, timeout_ms=50, wait_replicas=1)
    assert isinstance(store, backend)
    await store.aclose()


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("", "starts with none of"),
        ("localhost:6379", "starts with none of"),
        ("http://localhost", "starts with none of"),
        ("redis://", "host is missing"),
        ("redis:///0", "host is missing"),
        ("redis://one,two", "several hosts"),
        ("redis://one:port", "port is not a number"),
        ("redis://one:70000", "port is not a number"),
        ("redis://one:0", "port is not a number"),
        ("redis://one/first", "database is not a number"),
        ("redis://one/-1", "database is not a number"),
        ("redis://one/1/2", "path is longer"),
        ("redis://o ne", "blank"),
        ("redis://one#two", "%23"),
        ("redis://one?db=3", "unknown option"),
        ("redis://one?ssl_ca_certs=x", "allowed here: none"),
        ("rediss://one?ssl_cert_reqs=none", "allowed here: ssl_ca_certs"),
        ("rediss://one?ssl_ca_certs=/nowhere.pem", "can't use ssl_ca_certs"),
        ("unix://run/store.sock", "absolute path"),
        ("unix://", "absolute path"),
        ("redis+sentinel://one", "primary's name"),
        ("redis+sentinel://one,,two/name", "host is missing"),
        ("redis+sentinel://one/name/x", "database is not a number"),
        ("redis+cluster://one/1", "one database"),
        ("redis+cluster://", "host is missing"),
        ("redis://[::1", "malformed"),
    ],
)
async def test_a_malformed_url_is_named_in_one_line(url: str, named: str) -> None:
    """What is wrong comes up as a ValueError of one line."""
    with pytest.raises(ValueError, match=named) as caught:
        await connect(url)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "redis://:SECRET@one:port",
        "redis://:SEC/RET@one",
        "redis://:SEC?RET@one",
        "redis://:SEC#RET@one",
        "redis://user:SEC/RET@one/0",
        "redis://user:1?SEC=RET@one",
        "redis://user:1/SEC/RET@one",
        "redis://:SECRET@one,two",
        "redis+cluster://:SECRET@one/0",
        "redis+sentinel://one?sentinel_password=SECRET",
        "rediss://:SECRET@one?ssl_ca_certs=/nowhere",
        "foo://:SECRET@one",
    ],
)
async def test_no_fault_repeats_a_password(url: str) -> None:
    """Not even in pieces, when characters in it should have been escaped."""
    with pytest.raises(ValueError, match="store URL") as caught:
        await connect(url)
    assert "SEC" not in str(caught.value)
    assert "RET" not in str(caught.value)


async def test_a_certificate_file_that_is_none_stops_the_start(tmp_path: Path) -> None:
    """TLS files are read at once, not with the first call."""
    file = tmp_path / "ca.pem"
    file.write_text("nothing")
    with pytest.raises(ValueError, match="can't use ssl_ca_certs"):
        await connect(f"rediss://one?ssl_ca_certs={file}")
