"""A tracking link that the former key signed, after the key was replaced, and while it is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from allocator.port import Store
from api.app import create_app
from api.http import signing
from ringpool.security.keyring import (
    SIGNING_KEY_FILE,
    read_signing_keys,
    write_signing_keys,
)
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


async def test_a_running_service_takes_over_a_key(
    valkey_store: Store, unique: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It signs with the new one, an answer that it remembers too; what the former one signed holds
    until that is retired. Nothing is restarted."""
    monkeypatch.setattr(signing, "LOOK_SECONDS", 0.05)
    settings = Settings(data_dir=tmp_path, admin_token=ADMIN)
    async with running(create_app(settings, store=valkey_store)) as client:
        site = Site(client, unique, "202990")
        await site.make_account()
        await site.pool(1, "links", min_duration="1h")

        async def signed() -> dict[str, str]:
            link = await client.get(f"/t/{unique}-links", params={"website": "one"})
            return {name: values[0] for name, values in sent_on(link).items() if "rp_" in name}

        async def holds(parameters: dict[str, str]) -> bool:
            return bool((await client.get("/v1/verify", params=parameters)).json()["valid"])

        async def kids() -> list[str]:
            published = (await client.get("/.well-known/jwks.json")).json()["keys"]
            return [key["kid"] for key in published]

        async def become(wanted: list[str]) -> None:
            async with asyncio.timeout(30):
                while await kids() != wanted:
                    await asyncio.sleep(0.01)

        script = f"/dni.js?account={unique}"
        before = await signed()
        assert await signed() == before
        former = read_signing_keys(tmp_path).current
        assert former.public_key in (await client.get(script)).text
        present = Signer.generate()
        write_signing_keys(tmp_path, SigningKeys(present, former))
        await become([former.kid, present.kid])  # it verifies before it signs
        assert await signed() == before
        await become([present.kid, former.kid])
        after = await signed()
        assert after["rp_number"] == before["rp_number"]
        assert after["rp_sig"] != before["rp_sig"]
        assert present.public_key in (await client.get(script)).text
        assert await holds(before)
        assert await holds(after)
        (tmp_path / SIGNING_KEY_FILE).write_text("nonsense")  # a slip changes nothing
        write_signing_keys(tmp_path, SigningKeys(present))
        await become([present.kid])
        assert not await holds(before)
        assert await holds(after)
