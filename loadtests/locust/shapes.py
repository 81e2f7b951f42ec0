"""How the load goes over time. Each shape is a table of (until seconds, users)."""

from __future__ import annotations

from locust import LoadTestShape

from loadtests.locust.verdicts import Plan


class Planned(LoadTestShape):
    """As many users as the plan has at this time; ends with the plan."""

    abstract = True
    plan: Plan

    def tick(self) -> tuple[int, float] | None:
        """Users wanted now, and how many may come or go a second: all, so that a step is a step."""
        users = self.plan.users_at(self.get_run_time())  # type: ignore[no-untyped-call]
        return None if users is None else (users, float(max(step[1] for step in self.plan.steps)))
