"""A tracking link that the former key signed, after the key was replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from allocator.port import Store
from api.app import create_app
from ringpool.security.signing import Signer, SigningKeys
from ringpool.settings import Settings
from tests.api.conftest import ADMIN, Site, running, sent_on


@pytest.mark.parametrize("kept", [True, False])
async def test_what_the_former_key_signed_holds_while_it_is_kept(
    valkey_store: Store, unique: str, tmp_path: Path, kept: bool
) -> None:
    """The number of the link is verified, and shown to a page whose script has the other key."""
    former, present = Signer.generate(), Signer.generate()
    keys = SigningKeys(present, former if kept else None)
    area = f"{200 + kept}990"
    texts = {"before": former.pem(), "after": keys.text()}
    apps = {
        name: create_app(
            Settings(data_dir=tmp_path, admin_token=ADMIN, signing_key=text), store=valkey_store
        )
        for name, text in texts.items()
    }
    async with running(apps["before"]) as client:
        site = Site(client, unique, area)
        await site.make_account()
        # Two pools, so that by the rules alone the page would get another number.
        await site.pool(1, "links", swap_targets=[site.number(1)], when={"host": "nowhere.example"})
        await site.pool(1, "rules", swap_targets=[site.number(1)])
        link = f"/t/{unique}-links"
        sent = sent_on(await client.get(link, params={"website": "one"}))
    signed = {name: values[0] for name, values in sent.items() if name.startswith("rp_")}
    async with running(apps["after"]) as client:
        site = Site(client, unique, area)
        assert (await client.get("/v1/verify", params=signed)).json() == {"valid": kept}
        url = f"https://landing.example/offer?{'&'.join(f'{k}={v}' for k, v in signed.items())}"
        swapped = await site.swap(url=url.replace("+", "%2B"))
        pool = swapped.json()["swaps"][0]["pool"]
        assert pool == f"{unique}-{'links' if kept else 'rules'}"
        published = (await client.get("/.well-known/jwks.json")).json()["keys"]
        assert [key["kid"] for key in published] == [signer.kid for signer in keys.all]
        script = await client.get("/dni.js", params={"account": unique})
        assert present.public_key in script.text
