"""Two accounts that want one pool id, on a service of two worker processes, over real sockets."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx

from tests.api.conftest import ADMIN
from tests.api.service import PATIENCE_SECONDS, Service, service

ROUNDS = 60
URL = "/admin/v1/pools/raced"
ADMINISTRATOR = {"authorization": f"Bearer {ADMIN}"}
FIELDS = ("account", "name", "key", "parameters")


class Racer:
    """One account, with a connection of its own."""

    def __init__(self, running: Service, name: str, number: str) -> None:
        self.name = name
        key = f"the-api-key-of-{name}"
        made = running.client.put(
            f"/admin/v1/accounts/{name}", json={"api_keys": [key]}, headers=ADMINISTRATOR
        )
        assert made.status_code == 201
        self.client = httpx.Client(
            base_url=running.url,
            timeout=PATIENCE_SECONDS,
            headers={"authorization": f"Bearer {key}"},
        )
        self.document: dict[str, Any] = {
            "account": name,
            "name": name,
            "key": f"the-pool-key-of-{name}",
            "parameters": [name],
            "allow_overflow": False,
            "numbers": [number],
        }
        limit = time.monotonic() + PATIENCE_SECONDS  # its worker may not know the account yet
        while self.client.get("/admin/v1/pools").status_code != 200:
            assert time.monotonic() < limit

    def tries(self, barrier: Barrier) -> list[httpx.Response]:
        """All that an account may try at one moment; the first is to make the pool."""
        barrier.wait(PATIENCE_SECONDS)
        more = {"numbers": self.document["numbers"]}
        attempts: list[Callable[[], httpx.Response]] = [
            lambda: self.client.put(URL, json=self.document),
            lambda: self.client.patch(URL, json={"name": self.name}),
            lambda: self.client.post(f"{URL}/numbers", json=more),
            lambda: self.client.put(URL, json=self.document, headers={"if-match": "*"}),
        ]
        return [attempt() for attempt in attempts]


def test_a_pool_is_one_accounts_from_the_first_moment_on(tmp_path: Path) -> None:
    """Of two that make it at once one does; all that is there and all that it was told is its."""
    with service(tmp_path, "--workers", "2") as running, ThreadPoolExecutor(2) as threads:
        racers = [
            Racer(running, "one", "+18885550101"),
            Racer(running, "two", "+18885550102"),
        ]
        won, barrier = set(), Barrier(2)
        for _ in range(ROUNDS):
            tried = threads.map(lambda racer: racer.tries(barrier), racers)
            answers = dict(zip(racers, tried, strict=True))
            made = [racer for racer in racers if answers[racer][0].status_code == 201]
            assert len(made) == 1, [each[0].text for each in answers.values()]
            (winner,) = made
            won.add(winner.name)
            (loser,) = (racer for racer in racers if racer is not winner)
            assert {answer.status_code for answer in answers[loser]} == {404, 412}
            assert {answer.status_code for answer in answers[winner]} == {200, 201, 204}
            shown = [answer for answer in answers[winner] if answer.content]
            shown.append(running.client.get(URL, headers=ADMINISTRATOR))
            for answer in shown:
                document = answer.json()
                assert {name: document[name] for name in FIELDS} == {
                    name: winner.document[name] for name in FIELDS
                }
            listed = running.client.get(f"{URL}/numbers", headers=ADMINISTRATOR).json()
            assert [row["number"] for row in listed["numbers"]] == winner.document["numbers"]
            assert winner.client.patch(URL, json={"numbers": []}).status_code == 200
            assert winner.client.delete(URL).status_code == 204
        for racer in racers:
            racer.client.close()
    assert won == {"one", "two"}  # else they were no race
