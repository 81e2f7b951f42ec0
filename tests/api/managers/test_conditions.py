"""Two who change one thing: nobody's change is lost, and nobody takes what is another's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest

from tests.api.conftest import ADMIN, Site

ROUNDS = 40


async def two_accounts(site: Site) -> tuple[dict[str, str], dict[str, str]]:
    """The keys, as headers, of the site's account and of another (``-o``)."""
    headers = []
    for account in (site, Site(site.client, f"{site.account}-o", site.area)):
        key = f"key-of-{account.account}"
        await account.make_account(api_keys=[key])
        headers.append({"authorization": f"Bearer {key}"})
    return headers[0], headers[1]


async def an_entity(site: Site, section: str) -> tuple[str, Callable[[int], dict[str, str]]]:
    """The path of one that is there, and changes of it."""
    if section == "accounts":
        return f"/admin/v1/accounts/{site.account}", lambda count: {"name": f"{count}"}
    if section == "pools":
        pool = await site.pool(0)
        return f"/admin/v1/pools/{pool}", lambda count: {"name": f"{count}"}
    url = f"/admin/v1/stocks/{site.account}"
    await site.put(url, {"account": site.account, "numbers": []})
    return url, lambda count: {"quarantine": f"{count}h"}


async def test_two_accounts_that_race_for_an_id_never_share_it(site: Site) -> None:
    """One makes the pool; the other gets none of it, and nothing of it into it."""
    ours, theirs = await two_accounts(site)
    url = f"/admin/v1/pools/{site.account}-raced"

    def document(name: str, index: int) -> dict[str, object]:
        account = site.account if name == "ours" else f"{site.account}-o"
        return {
            "account": account,
            "name": name,
            "key": f"the-key-that-is-{name}",
            "parameters": [name],
            "allow_overflow": False,
            "numbers": [site.number(index)],
        }

    for round_number in range(ROUNDS):
        documents = {"ours": document("ours", 1), "theirs": document("theirs", 2)}
        keys = {"ours": ours, "theirs": theirs}
        order = ["ours", "theirs"] if round_number % 2 else ["theirs", "ours"]
        post = {"id": url.rpartition("/")[2]} if round_number % 4 > 1 else None
        answers = dict(
            zip(
                order,
                await asyncio.gather(
                    *(
                        site.client.put(url, json=documents[name], headers=keys[name])
                        if post is None
                        else site.client.post(
                            "/admin/v1/pools", json=documents[name] | post, headers=keys[name]
                        )
                        for name in order
                    ),
                    *(
                        site.client.patch(url, json={"name": name}, headers=keys[name])
                        for name in order
                    ),
                ),
                strict=False,
            )
        )
        statuses = {name: answer.status_code for name, answer in answers.items()}
        assert sorted(statuses.values()) == [201, 404 if post is None else 409], statuses
        winner = min(statuses, key=statuses.__getitem__)
        made, shown = answers[winner].json(), (await site.client.get(url, headers=site.auth)).json()
        for each in (made, shown):
            assert {name: each[name] for name in ("account", "name", "key", "parameters")} == {
                name: documents[winner][name] for name in ("account", "name", "key", "parameters")
            }
        listed = await site.client.get(f"{url}/numbers", headers=site.auth)
        assert [row["number"] for row in listed.json()["numbers"]] == documents[winner]["numbers"]
        await site.client.patch(url, json={"numbers": []}, headers=site.auth)
        assert (await site.client.delete(url, headers=site.auth)).status_code == 204


async def test_an_account_never_changes_a_pool_that_became_anothers(site: Site) -> None:
    """Deleted and made again by another between look and change: each kind of change is refused."""
    ours, theirs = await two_accounts(site)
    pool = await site.pool(1)
    url = f"/admin/v1/pools/{pool}"
    moved = await site.client.patch(url, json={"account": f"{site.account}-o"}, headers=site.auth)
    assert moved.status_code == 200
    for answer in (
        await site.client.patch(url, json={"name": "x"}, headers=ours),
        await site.client.put(url, json=moved.json() | {"account": site.account}, headers=ours),
        await site.client.post(f"{url}/numbers", json={"numbers": [site.number(7)]}, headers=ours),
        await site.client.delete(url, headers=ours),
    ):
        assert answer.status_code == 404
    renamed = await site.client.patch(url, json={"name": "y"}, headers=theirs)
    assert renamed.status_code == 200


@pytest.mark.parametrize("section", ["accounts", "pools", "stocks"])
async def test_a_change_of_what_another_changed_is_refused(site: Site, section: str) -> None:
    """GET, two changes with the same tag: the first is made, the second gets 412."""
    client, auth = site.client, site.auth
    url, change = await an_entity(site, section)
    shown = await client.get(url, headers=auth)
    tag = shown.headers["etag"]
    first = await client.patch(url, json=change(1), headers=auth | {"if-match": tag})
    assert first.status_code == 200
    assert first.headers["etag"] != tag
    assert (await client.get(url, headers=auth)).headers["etag"] == first.headers["etag"]
    stale = auth | {"if-match": f'"other", {tag}'}
    for answer in (
        await client.patch(url, json=change(2), headers=stale),
        await client.put(url, json=shown.json() | change(2), headers=stale),
        await client.delete(url, headers=stale),
    ):
        assert (answer.status_code, answer.json()["class"]) == (412, "Changed")
    now = {"if-match": f'"other", {first.headers["etag"]}'}
    put = await client.put(url, json=shown.json() | change(2), headers=auth | now)
    assert put.status_code == 200
    assert put.headers["etag"] != first.headers["etag"]


async def test_replacing_needs_the_version_that_is_replaced(site: Site) -> None:
    """428 without it, but where nothing changes; ``*`` is whatever is there."""
    url, change = await an_entity(site, "pools")
    shown = (await site.client.get(url, headers=site.auth)).json()
    again = await site.client.put(url, json=shown, headers=site.auth)
    assert again.status_code == 200
    refused = await site.client.put(url, json=shown | change(1), headers=site.auth)
    assert (refused.status_code, refused.json()["class"]) == (428, "PreconditionRequired")
    anyhow = await site.client.put(
        url, json=shown | change(1), headers=site.auth | {"if-match": "*"}
    )
    assert anyhow.status_code == 200


async def test_if_none_match_makes_and_never_replaces(site: Site) -> None:
    """And If-Match never makes."""
    url, _ = await an_entity(site, "pools")
    shown = (await site.client.get(url, headers=site.auth)).json()
    headers = site.auth | {"if-none-match": "*"}
    assert (await site.client.put(url, json=shown, headers=headers)).status_code == 412
    body = {"account": site.account, "parameters": ["a"], "allow_overflow": False}
    other = f"{url}-2"
    for tag in ("*", '"x"'):
        absent = await site.client.put(other, json=body, headers=site.auth | {"if-match": tag})
        assert absent.status_code == 412
    assert (await site.client.put(other, json=body, headers=headers)).status_code == 201


async def test_numbers_change_a_pools_version(site: Site) -> None:
    """A list of numbers that another changed meanwhile isn't replaced."""
    pool = await site.pool(1)
    url = f"/admin/v1/pools/{pool}"
    tag = (await site.client.get(url, headers=site.auth)).headers["etag"]
    headers = site.auth | {"if-match": tag}
    numbers = f"{url}/numbers"
    more = {"numbers": [site.number(70)]}
    assert (await site.client.post(numbers, json=more, headers=headers)).status_code == 204
    for answer in (
        await site.client.post(numbers, json={"numbers": [site.number(71)]}, headers=headers),
        await site.client.delete(f"{numbers}?number=%2B{site.number(70)[1:]}", headers=headers),
        await site.client.patch(url, json={"numbers": []}, headers=headers),
    ):
        assert answer.status_code == 412
    assert (await site.status(pool))["size"] == 2


async def test_what_is_known_is_not_sent_again(site: Site) -> None:
    """304 for one and for a list; a compressing proxy makes the tag weak."""
    url, change = await an_entity(site, "stocks")
    for path in (url, "/admin/v1/stocks?limit=1"):
        answer = await site.client.get(path, headers=site.auth)
        tag = answer.headers["etag"]
        for sent in (tag, "*", f'"x", W/{tag.removeprefix("W/")}'):
            headers = site.auth | {"if-none-match": sent}
            same = await site.client.get(path, headers=headers)
            assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    tag = (await site.client.get(url, headers=site.auth)).headers["etag"]
    weak = site.auth | {"if-match": f"W/{tag}"}
    assert (await site.client.patch(url, json=change(1), headers=weak)).status_code == 200
    known = site.auth | {"if-none-match": tag}
    assert (await site.client.get(url, headers=known)).status_code == 200


@pytest.mark.parametrize("text", ["abc", '"a', '"a" "b"', '"a",', "", "*, *", '"a b"'])
async def test_a_header_that_is_no_tag_is_named(client: httpx.AsyncClient, text: str) -> None:
    """400, before anything is read or changed."""
    auth = {"authorization": f"Bearer {ADMIN}", "if-match": text}
    answer = await client.put("/admin/v1/accounts/none", json={}, headers=auth)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "If-Match")


async def test_patches_of_different_fields_are_both_kept(site: Site) -> None:
    """What a PATCH doesn't name is as it is under the lock, not as it was read."""
    url, _ = await an_entity(site, "pools")
    fields = [{"name": "n"}, {"min_duration": "3h"}, {"format": "e164"}, {"priority": 7}]
    answers = await asyncio.gather(
        *(site.client.patch(url, json=field, headers=site.auth) for field in fields)
    )
    assert {answer.status_code for answer in answers} == {200}
    shown = (await site.client.get(url, headers=site.auth)).json()
    for field in fields:
        assert field.items() <= shown.items()
