"""The four kinds of locust users. ``python -m loadtests.locust.load`` runs them.

By hand: ``python -m loadtests.locust.load --prepare``, then
``locust -f loadtests/locust/locustfile.py --host URL``.
"""

from __future__ import annotations

import json
import os
import random
import re
import uuid
from typing import Any

import msgspec
from locust import FastHttpUser, between, constant_throughput, task
from locust.exception import StopUser

from loadtests.locust import scenario, shapes, verdicts

_HEADERS = {
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Referer": scenario.LANDING_URL,
}
_KEEP = re.compile(rb'"keep":"([^"]+)"')
_ROWS = 50

if "RINGPOOL_LOAD_PLAN" in os.environ:

    class Shape(shapes.Planned):
        """The plan of ``loadtests.locust.load``."""

        plan = msgspec.json.decode(os.environ["RINGPOOL_LOAD_PLAN"], type=verdicts.Plan)


class _User(FastHttpUser):
    """Adds the kind of user to each request's context."""

    abstract = True

    def context(self) -> dict[str, str]:
        """What ``loadtests.locust.failures`` reports of a failed request's user."""
        return {"user": type(self).__name__}


class LandingPageVisitor(_User):
    """Comes by an advertisement, looks at a few pages, stays a while, leaves."""

    weight = 60
    wait_time = between(0.5, 3)

    def on_start(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.visitor = scenario.visitor()
        self.url = scenario.page(scenario.placement())
        self.pages_left = random.choices((1, 2, 3, 6), weights=(50, 25, 15, 10))[0]
        self.client.get(f"/dni.js?account={scenario.ACCOUNT}", headers=_HEADERS, name="/dni.js")

    @task
    def look(self) -> None:
        """One page: its numbers are asked for by JSONP, sometimes kept by a ping."""
        name = f"rp{random.getrandbits(40):x}"
        held = self._ask("/v1/swap", callback=name)
        if random.random() < 0.3:
            self._ask("/v1/ping", held=held)
        self.pages_left -= 1
        if self.pages_left <= 0:
            self._ask("/v1/release")
            self._begin()

    def _ask(self, path: str, **more: str) -> str:
        """Ask; returns what proves to a ping the numbers that the answer gave."""
        parameters = {
            "account": scenario.ACCOUNT,
            "url": self.url,
            "ref": "https://www.google.com/",
            "visitor": self.visitor,
            "targets": ",".join(scenario.TARGETS.values()),
            **more,
        }
        with self.client.get(
            path, params=parameters, headers=_HEADERS, name=path, catch_response=True
        ) as response:
            # JSONP answers 200 even for an error. Overflow is an answer, no error.
            body = response.content or b""
            if b"store_unavailable" in body:
                response.failure("store_unavailable")
            elif response.status_code == 200 and b'"error"' in body[:200]:
                response.failure("an error as JSONP")
            return b",".join(_KEEP.findall(body)).decode()


class LinkClicker(_User):
    """Clicks tracking links; landing pages are no part of the service."""

    weight = 20
    wait_time = between(0.1, 0.4)

    @task
    def click(self) -> None:
        """One click with its own click id."""
        with self.client.get(
            f"/t/{scenario.PLACEMENTS}",
            params={**scenario.placement(), "gclid": scenario.click_id()},
            headers=_HEADERS,
            allow_redirects=False,
            name="/t/{pool}",
            catch_response=True,
        ) as response:
            # Without an answer from the store it still leads to the page, but with no number.
            if response.status_code == 302 and "rp_number=" not in response.headers["location"]:
                response.failure("no number in the link")


class AdServer(_User):
    """A program on a keep-alive connection, at a constant rate."""

    weight = 15
    wait_time = constant_throughput(20)

    @task(9)
    def number(self) -> None:
        """One number in JSON."""
        self.client.get(
            f"/api/v1/ring_pools/{scenario.PLACEMENTS}/allocate_number.json"
            f"?{scenario.number_query(scenario.placement())}",
            name="allocate_number.json",
        )

    @task(1)
    def bulk(self) -> None:
        """Many numbers in one call; a row with an error fails the call."""
        rows = [
            {
                "api_suffix": f"{scenario.PLACEMENTS}/allocate_number.json"
                f"?{scenario.number_query(scenario.placement())}",
                "request_id": str(row),
            }
            for row in range(_ROWS)
        ]
        with self.client.post(
            "/api/v1/bulk.json", json={"requests": rows}, catch_response=True
        ) as response:
            if response.status_code == 200 and b"error_class" in (response.content or b""):
                response.failure("an error in a row")


class CallCentre(_User):
    """Reports calls to numbers that were shown just before."""

    weight = 5
    wait_time = between(1, 4)

    def on_start(self) -> None:
        token = os.environ.get("RINGPOOL_ADMIN_TOKEN")
        if not token:
            raise StopUser  # calls are the managers' to report
        self.headers = {"Authorization": f"Bearer {token}"}

    @task
    def call(self) -> None:
        """A visitor's number, then the call to it."""
        response = self.client.get(
            f"/api/v1/ring_pools/{scenario.PLACEMENTS}/allocate_number.json"
            f"?{scenario.number_query(scenario.placement())}",
            name="allocate_number.json",
        )
        if response.status_code != 200:
            return
        answer: dict[str, Any] = json.loads(response.content)
        number = answer.get("number")
        if number and not answer.get("overflow"):
            report = {"id": uuid.uuid4().hex, "number": number, "caller": "+12025550143"}
            self.client.post("/admin/v1/calls", json=report, headers=self.headers)
