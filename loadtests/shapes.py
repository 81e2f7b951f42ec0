"""How the load goes over time. Each shape is a table of (until seconds, users)."""

from __future__ import annotations

from locust import LoadTestShape

from loadtests.verdicts import Plan


class Planned(LoadTestShape):
    """As many users as the plan says for this moment; ends with the plan."""

    abstract = True
    plan: Plan

    def tick(self) -> tuple[int, float] | None:
        """Users wanted now, and how many may start a second."""
        users = self.plan.users_at(self.get_run_time())
        return None if users is None else (users, max(50.0, users))
