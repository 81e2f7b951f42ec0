"""The paths of calls, for accounts and for the administrator: the same under both."""

from __future__ import annotations

from typing import NamedTuple

from api.calls import lookup, told
from api.http.endpoint import Endpoint
from api.managers.managed_endpoint import managed_endpoint


class CallPaths(NamedTuple):
    """``all``: `/calls`; ``one``: `/calls/{id}`; ``outcome``: `/calls/{id}/outcome`."""

    all: Endpoint
    one: Endpoint
    outcome: Endpoint


def _paths(tell: str, prefix: str) -> CallPaths:
    """``tell`` and ``prefix``: what operations are called, each of which has a name of its own."""
    return CallPaths(
        managed_endpoint(
            "calls",
            {"POST": told.tell, "GET": lookup.list_calls},
            [told.tell_operation(tell), lookup.list_operation(f"list_{prefix}calls")],
        ),
        managed_endpoint(
            "call", {"GET": lookup.show_call}, [lookup.show_operation(f"get_{prefix}call")]
        ),
        managed_endpoint(
            "call_outcome",
            {"POST": lookup.tell_outcome},
            [lookup.outcome_operation(f"tell_{prefix}outcome")],
        ),
    )


calls = _paths("tell_call", "")
admin_calls = _paths("record_call", "admin_")
