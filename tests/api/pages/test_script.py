"""The browser script's URLs."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import httpx
import pytest

from api.pages.tag_options import NAMES
from snippet import bundle
from tests.api.conftest import Site
from tests.servers.programs import program


async def test_the_accounts_script_carries_its_targets(site: Site) -> None:
    """Settings inside, cacheable for five minutes, readable from any page, renewed on change."""
    target = site.number(8000)
    await site.pool(swap_targets=[target])
    url = f"/dni.js?account={site.account}"
    response = await site.client.get(url)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "max-age=300" in response.headers["cache-control"]
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    assert target in response.text
    etag = response.headers["etag"]
    same = await site.client.get(url, headers={"if-none-match": etag})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    await site.pool(swap_targets=[site.number(8001)])
    changed = await site.client.get(url, headers={"if-none-match": etag})
    assert changed.status_code == 200
    assert site.number(8001) in changed.text


@pytest.mark.parametrize(
    ("query", "kind", "said"),
    [
        ("", "MissingParameter", "account: missing"),
        ("account=", "MissingParameter", "account: missing"),
        ("account=nobody", "UnknownAccount", "there is no account 'nobody'"),
        ("account=%3C/script%3E%22", "UnknownAccount", "there is no account '</script>\"'"),
        ("account=%zz", "InvalidParameter", "account: has a %"),
    ],
)
async def test_a_wrong_account_is_told_on_the_console(
    client: httpx.AsyncClient, query: str, kind: str, said: str
) -> None:
    """A script that runs anywhere, does nothing else, and isn't kept."""
    response = await client.get(f"/dni.js?{query}")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    assert response.headers["x-ringpool-error"] == kind
    assert "<" not in response.text
    ran = subprocess.run(
        [program("node"), "-e", response.text], capture_output=True, text=True, timeout=60
    )
    assert (ran.returncode, ran.stdout) == (0, "")
    assert ran.stderr.startswith(f"Ringpool: {said}")
    assert "stay as they are" in ran.stderr


async def test_attributes_of_the_tag_in_the_address(site: Site) -> None:
    """Tag managers drop the tag's: the script carries them as defaults, each address its own."""
    await site.pool(swap_targets=[site.number(8000)])
    url = f"/dni.js?account={site.account}"
    options = "&data-hide-until=.phone%20b&data-click-to-call&data-days=7&data-params=a%3D1"
    response = await site.client.get(url + options)
    assert response.status_code == 200
    inside = json.loads(response.text.removeprefix(bundle.SOURCE.decode()[:-7])[1:-2])
    assert inside["o"] == {
        **bundle.DEFAULTS,
        "hideUntil": ".phone b",
        "clickToCall": "",
        "days": "7",
        "params": "a=1",
    }
    plain = await site.client.get(url)
    assert ".phone b" not in plain.text
    assert plain.headers["etag"] != response.headers["etag"]
    again = await site.client.get(
        url + options, headers={"if-none-match": response.headers["etag"]}
    )
    assert again.status_code == 304


@pytest.mark.parametrize(
    "wrong",
    [
        "data-endpoint=https://other.example",
        "data-settings={}",
        "data-key=abc",
        "data-hide-untill=.phone",
        "data-days=week",
        "data-format=local",
        "data-consent=maybe",
    ],
)
async def test_attributes_that_an_address_cannot_carry(site: Site, wrong: str) -> None:
    """Where the service is and whose keys are believed isn't said there; a wrong value is named."""
    response = await site.client.get(f"/dni.js?account={site.account}&{wrong}")
    assert (response.status_code, response.headers["x-ringpool-error"]) == (200, "InvalidParameter")
    assert wrong.partition("=")[0] in response.text


def test_the_manual_lists_the_attributes() -> None:
    """An address carries the manual's attributes but for those that say whose script it is."""
    manual = Path(bundle.__file__).with_name("README.md").read_text("utf-8")
    table = manual.partition("\n## Attributes of the tag\n")[2].partition("\n## ")[0]
    listed = set(re.findall(r"`(data-[a-z-]+)`", "".join(re.findall(r"^\|[^|]*", table, re.M))))
    own = {"data-account", "data-settings", "data-endpoint", "data-key"}
    assert set(NAMES) == listed - own


async def test_the_pinned_script_is_for_ever(client: httpx.AsyncClient) -> None:
    """The version in the URL fixes the bytes; another version isn't there."""
    response = await client.get(f"/dni/{bundle.VERSION}/dni.js")
    assert response.content == bundle.SOURCE
    assert "immutable" in response.headers["cache-control"]
    assert response.headers["access-control-allow-origin"] == "*"
    assert (await client.get(f"/dni/{bundle.VERSION}/other.js")).status_code == 404
    assert (await client.get("/dni/0/dni.js")).status_code == 404


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, GZIP;q=0.8", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, identity", False),
        ("identity", False),
        ("br", False),
    ],
)
async def test_scripts_go_compressed_to_those_who_take_it(
    site: Site, accepted: str, packed: bool
) -> None:
    """The same script either way, and caches know that it depends on the request."""
    plain = {"accept-encoding": "identity"}
    for url in (f"/dni.js?account={site.account}", f"/dni/{bundle.VERSION}/dni.js"):
        response = await site.client.get(url, headers={"accept-encoding": accepted})
        assert (response.headers.get("content-encoding") == "gzip") is packed
        assert response.headers["vary"] == "Accept-Encoding"
        assert response.content == (await site.client.get(url, headers=plain)).content
        if packed:
            assert int(response.headers["content-length"]) < 0.6 * len(response.content)
