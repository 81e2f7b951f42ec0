"""Which error replies are an outage."""

from __future__ import annotations

import pytest
from redis.exceptions import ResponseError

from allocator.port import StoreMisconfigured
from allocator.redis.errors import failure_in_reply
from tests.servers import stores


@pytest.mark.parametrize(
    "reply",
    [
        "OOM command not allowed when used memory > 'maxmemory'.",
        "LOADING Valkey is loading the dataset in memory",
        "MISCONF Valkey is configured to save RDB snapshots, but …",
        "BUSY Valkey is busy running a script.",
        "NOREPLICAS Not enough good replicas to write.",
        "MASTERDOWN Link with MASTER is down",
        "CLUSTERDOWN The cluster is down",
        "READONLY You can't write against a read only replica.",
        "OOM",
        "ERR ACL failure in script: User x has no permissions to run the 'get' command script: …",
        "ERR The user executing the script can't run this command or subcommand script: …",
        "ERR The user executing the script can't access at least one of the keys mentioned in …",
    ],
)
def test_a_server_that_cannot_now_is_described(reply: str) -> None:
    """The reason is our own short text, whatever the server's says."""
    assert failure_in_reply(reply)
    assert len(str(failure_in_reply(reply))) < 80


@pytest.mark.parametrize("reply", ["ERR unknown", "WRONGTYPE x", "NOSCRIPT x", "BUSYGROUP", ""])
def test_any_other_error_is_a_bug(reply: str) -> None:
    """Faults of a script, and NOSCRIPT, which is answered with EVAL, are no outage."""
    assert failure_in_reply(reply) is None


def test_a_server_that_was_demoted_before_the_wait_is_an_outage() -> None:
    """And not one whose settings are wrong."""
    with stores.valkey() as primary, stores.replica_of(primary) as replica:
        for wait in (("WAIT", 1, 10), ("WAITAOF", 0, 1, 10)):
            with pytest.raises(ResponseError) as refused:
                replica.command(*wait)
            failure = failure_in_reply(str(refused.value))
            assert failure
            assert not isinstance(failure, StoreMisconfigured)
