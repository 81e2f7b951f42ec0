"""Whether a number was signed here."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.api.conftest import Site


async def test_verify_knows_our_signatures(site: Site) -> None:
    """The parameters of a tracking link are valid as they are, and nothing else is."""
    pool = await site.pool()
    redirect = await site.client.get(f"/t/{pool}?website=one")
    proof: dict[str, Any] = {
        name: values[0]
        for name, values in parse_qs(urlsplit(redirect.headers["location"]).query).items()
        if name.startswith("rp_")
    }
    verify = site.client.get
    assert (await verify("/v1/verify", params=proof)).json() == {"valid": True}
    for name, wrong in (
        ("rp_number", "+18005550100"),
        ("rp_exp", "1"),
        ("rp_sig", "AAAA"),
        ("rp_sig", "\u00e9"),
    ):
        answer = await verify("/v1/verify", params={**proof, name: wrong})
        assert answer.json() == {"valid": False}
    jsonp = await verify("/v1/verify", params={**proof, "callback": "cb"})
    assert jsonp.text == '/**/cb({"valid":true});'
    assert (await verify("/v1/verify", params={**proof, "rp_exp": "soon"})).status_code == 400
    assert (await verify("/v1/verify")).status_code == 400
