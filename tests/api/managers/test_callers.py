"""Who may call the managers' API, and what an account's key reaches."""

from __future__ import annotations

import httpx
import pytest

from tests.api.conftest import Site

ACCOUNT_KEY = "account-key-0123456789"


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer wrong", "Basic YTpi", "Bearer \u00e9"])
async def test_managers_need_a_token(client: httpx.AsyncClient, token: str) -> None:
    """No token or a wrong one: 401 that asks for Bearer."""
    headers = {"authorization": token.encode("latin-1")} if token else {}
    response = await client.get("/admin/v1/pools", headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer ")


async def test_an_accounts_key_reaches_its_own_and_no_more(site: Site) -> None:
    """Its pools, numbers and calls; of other accounts it learns nothing, and gives them nothing."""
    await site.make_account(api_keys=[ACCOUNT_KEY])
    other = Site(site.client, f"{site.account}-o", f"{int(site.area) + 1}")
    await other.make_account()
    foreign = await other.pool(1)
    own = await site.pool(1)
    client = site.client
    auth = {"authorization": f"Bearer {ACCOUNT_KEY}"}
    listed = (await client.get("/admin/v1/pools", headers=auth)).json()["pools"]
    assert [pool["id"] for pool in listed] == [own]
    assert (await client.get(f"/admin/v1/pools/{own}", headers=auth)).status_code == 200
    for path in (foreign, f"{foreign}/numbers", f"{foreign}/status"):
        assert (await client.get(f"/admin/v1/pools/{path}", headers=auth)).status_code == 404
    number = (await other.ask(foreign)).json()["number"]
    assert (await client.get(f"/admin/v1/numbers/{number}", headers=auth)).status_code == 404
    call = {"id": "x", "number": number}
    assert (await client.post("/admin/v1/calls", json=call, headers=auth)).status_code == 404
    body = {"account": other.account, "parameters": ["a"], "allow_overflow": False}
    for method, pool in (("PUT", foreign), ("PUT", f"{own}-2"), ("PATCH", own)):
        response = await client.request(method, f"/admin/v1/pools/{pool}", json=body, headers=auth)
        assert response.status_code == (404 if pool == foreign else 403)
    renamed = await client.patch(
        f"/admin/v1/accounts/{site.account}", json={"name": "x"}, headers=auth
    )
    assert renamed.status_code == 403
    assert (
        await client.patch(f"/admin/v1/pools/{own}", json={"name": "mine"}, headers=auth)
    ).status_code == 200


async def test_only_the_administrator_names_webhooks(site: Site) -> None:
    """An account can't have the service post to an address of its choosing, but may keep one."""
    other_key = f"webhook-{site.account}-key"
    await site.make_account(api_keys=[other_key])
    pool = f"/admin/v1/pools/{await site.pool(1)}"
    account = {"authorization": f"Bearer {other_key}"}
    hook = {"on_exhausted": {"webhook": "http://ops.example/hook"}}
    assert (await site.client.patch(pool, json=hook, headers=account)).status_code == 403
    assert (await site.client.patch(pool, json=hook, headers=site.auth)).status_code == 200
    kept = await site.client.patch(pool, json={"name": "mine"}, headers=account)
    assert (kept.status_code, kept.json()["on_exhausted"]) == (200, hook["on_exhausted"])


async def test_an_account_says_who_is_told(site: Site) -> None:
    """Its own key may set that, of the account and its pools, and nothing else of the account. The
    secrets that sign are in no answer, and stay when they aren't given."""
    key, secret = f"notify-{site.account}-key", "a-secret-0123456789"
    await site.make_account(api_keys=[key])
    pool, account = await site.pool(1), f"/admin/v1/accounts/{site.account}"
    auth = {"authorization": f"Bearer {key}"}
    hook = {"webhook": "https://ops.example/hook", "secret": secret, "cooldown": "5m"}
    shown = {"webhook": "https://ops.example/hook", "cooldown": "5m"}
    for path in (account, f"/admin/v1/pools/{pool}"):
        made = await site.client.patch(path, json={"notify": [hook]}, headers=auth)
        assert (made.status_code, made.json()["notify"]) == (200, [shown])
        again = {"notify": [{**shown, "events": ["grown"]}]}
        kept = await site.client.patch(path, json=again, headers=auth)
        assert (kept.status_code, kept.json()["notify"][0]["events"]) == (200, ["grown"])
        for other in (auth, site.auth):
            assert secret not in (await site.client.get(path, headers=other)).text
        wrong = {"notify": [{**hook, "webhook": "http://user:word@ops.example"}]}
        refused = await site.client.patch(path, json=wrong, headers=auth)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"] == "notify[0].webhook"
    both = {"notify": [], "name": "x"}
    assert (await site.client.patch(account, json=both, headers=auth)).status_code == 403
    listed = await site.client.get("/admin/v1/pools", headers=auth)
    changes = await site.client.get("/admin/v1/changes", headers=auth)
    assert secret not in listed.text + changes.text
    assert "https://ops.example/(secret)" in changes.text


async def test_an_account_says_how_its_carriers_prove_themselves(site: Site) -> None:
    """Its own key may set that. Secrets are in no answer and no log, and stay when not given."""
    key = f"carriers-{site.account}-key"
    await site.make_account(api_keys=[key])
    account, auth = f"/admin/v1/accounts/{site.account}", {"authorization": f"Bearer {key}"}
    public = f"{'A' * 43}="
    carriers = {
        "twilio": {
            "auth_token": "hidden-token-0123456789",
            "former_auth_token": "hidden-former-0123456789",
            "shared_keys": [{"id": "k1", "secret": "hidden-shared-0123456789"}],
        },
        "telnyx": {"public_key": public},
        "freeswitch": {"user": "switch", "password": "hidden-password-0123456789"},
        "generic": {"secret": "hidden-generic-0123456789"},
    }
    shown = {
        "twilio": {"shared_keys": [{"id": "k1"}]},
        "telnyx": {"public_key": public},
        "freeswitch": {"user": "switch"},
        "generic": {},
    }
    document = {"id": site.account, "carriers": shown}
    missing = await site.put(account, document)
    assert missing.status_code == 422
    assert {fault["field"] for fault in missing.json()["errors"]} == {
        "carriers.twilio.shared_keys[0].secret",
        "carriers.freeswitch.password",
        "carriers.generic.secret",
    }
    made = await site.client.patch(account, json={"carriers": carriers}, headers=auth)
    assert (made.status_code, made.json()["carriers"]) == (200, shown)
    kept = await site.put(account, document)
    assert (kept.status_code, kept.json()["carriers"]) == (200, shown)
    said = [made.text, kept.text]
    for path in (account, "/admin/v1/accounts", "/admin/v1/changes"):
        said += [(await site.client.get(path, headers=each)).text for each in (auth, site.auth)]
    assert "carriers" in said[-2]
    assert "hidden" not in "".join(said)
