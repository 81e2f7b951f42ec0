"""Hostile input to a real service with two workers: a short run, and every known abuse once."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from loadtests.fuzz import abuses, campaign
from loadtests.fuzz.abuses import Abuse
from loadtests.fuzz.exchange import Garbled, read_answer
from loadtests.fuzz.inputs import Input, Known, Maker
from loadtests.fuzz.measurement import MEMORY_MB, measure
from loadtests.fuzz.shrink import smallest
from loadtests.fuzz.target import ADMIN, Target, target
from loadtests.fuzz.trial import Fault, Trials, check_answer
from loadtests.fuzz.witness import Witness, witness

INPUTS = 1_500
KNOWN = Known({"rp_number": "+16462000000", "rp_sig": "abc"}, "seal")

SLOW = frozenset({"good_numbers", "escape_sequences", "former_owners", "long_bodies"})
"""Abuses that take longer than a test may; ``make fuzz ARGS=--abuses`` has them, and so have tests
of what they abuse."""


@pytest.fixture(scope="module")
def attacked() -> Iterator[Target]:
    with target(workers=2) as found:
        yield found


@pytest.fixture(scope="module")
def watching(attacked: Target) -> Iterator[Witness]:
    with witness(attacked.address) as found:
        yield found


def test_no_input_breaks_the_service(attacked: Target) -> None:
    """Every answer is the request's own, none is 5xx, nothing is told, hangs or dies."""
    found = campaign.run(attacked, seed=10, inputs=INPUTS, clients=1, growth=None)
    assert found.missed == []
    assert found.tally.inputs == INPUTS
    assert {200, 204, 302, 400, 401, 403, 404, 405, 415, 422} <= set(found.tally.answers)
    manager = {"authorization": f"Bearer {ADMIN}"}
    text = httpx.get(f"{attacked.url}/metrics", headers=manager).text
    assert 'ringpool_clients_cut_off_total{reason="malformed"} ' in text


@pytest.mark.parametrize(
    "abuse",
    [abuse for abuse in abuses.ABUSES if abuse.name not in SLOW],
    ids=lambda abuse: abuse.name,
)
def test_an_abuse_harms_nobody(attacked: Target, watching: Witness, abuse: Abuse) -> None:
    """At the size that was found to do harm. How fast others are is ``make fuzz``'s to measure:
    a machine that runs tests is busy with these."""
    measurement = measure(attacked, watching, abuse, min(abuse.size, 2_000_000), seconds=0.5)
    assert measurement.faults == []
    assert measurement.memory < MEMORY_MB
    assert measurement.livez_max < 2_000


def test_inputs_are_made_of_seed_and_number_alone() -> None:
    """In any order, so that one can be made again by itself."""
    made = [Maker(7, KNOWN).make(number) for number in range(50)]
    maker = Maker(7, KNOWN)
    assert [maker.make(number) for number in reversed(range(50))] == made[::-1]
    assert Maker(8, KNOWN).make(3) != made[3]
    assert {each.kind for each in made} >= {"one", "garbled", "pipeline"}


GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Request-Id: a\r\n\r\nok"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        GOOD.replace(b"\r\n\r\n", b"\r\nContent-Length: 2\r\n\r\n"),
        GOOD.replace(b"200 OK", b"204 No"),
        GOOD.replace(b": a", b" a"),
        GOOD.replace(b"OK", b"\x00"),
    ],
)
def test_what_is_no_http_is_noticed(answer: bytes) -> None:
    """The judge reads strictly."""
    with pytest.raises(Garbled):
        read_answer(bytearray(answer))


@pytest.mark.parametrize(
    "answer",
    [
        GOOD.replace(b"200 OK", b"500 No"),
        GOOD.replace(b"ok", b"honest-pool-key-0123456789abc").replace(b": 2", b": 29"),
        GOOD.replace(b"X-Request", b"Location: https://evil.example/\r\nX-Request"),
        GOOD.replace(
            b"X-Request", b"X-Content-Type-Options: nosniff\r\nX-Injected: a\r\nX-Request"
        ),
        GOOD,  # without nosniff
    ],
)
def test_what_nothing_excuses_is_noticed(answer: bytes) -> None:
    """Bugs, what others have told, redirects elsewhere, headers of the client's own."""
    found = read_answer(bytearray(answer))
    assert found is not None
    with pytest.raises(Fault):
        check_answer(found)


@contextmanager
def answering(*answers: bytes) -> Iterator[tuple[str, int]]:
    """A server that gives every connection these answers, whatever it asks."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"".join(answers))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        ((GOOD,), "in place of"),
        ((), "ended"),
        ((GOOD.replace(b": a", b": f0.1"), GOOD), "more answers"),
        ((GOOD.replace(b": a", b": f0.1"), GOOD[:-1]), "ended inside"),
    ],
)
def test_answers_that_are_not_the_requests_own_are_noticed(
    answers: tuple[bytes, ...], fault: str
) -> None:
    """Another's, none, one too many, half of one."""
    asked = b"GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: f0.1\r\n\r\n"
    wanted = Input("one", (asked,), ("f0.1",), framed=True, ends=True)
    sound = tuple(
        each.replace(b"\r\n\r\n", b"\r\nX-Content-Type-Options: nosniff\r\n\r\n")
        for each in answers
    )
    with answering(*sound) as address:
        assert fault in Trials(address, "t").fault(wanted)


def test_the_smallest_input_that_fails_is_found() -> None:
    """What isn't needed for the failure is left out."""
    wanted = Input("garbled", (b"a" * 500 + b"needle", b"b" * 500), ("x",), framed=False, ends=True)
    found = smallest(wanted, lambda each: b"needle" in each.data)
    assert found.data == b"needle"


def test_an_attack_may_not_wait_for_ever(attacked: Target) -> None:
    """Sanity of the harness: a case that ends at once is measured all the same."""

    async def nothing(_target: Target, _size: int, _seconds: float) -> list[str]:
        await asyncio.sleep(0)
        return ["wrong"]

    with witness(attacked.address) as own:
        measurement = measure(attacked, own, Abuse("nothing", 1, "", nothing), 1, 0.2)
    assert measurement.faults == ["wrong"] == measurement.missed[:1]
    assert measurement.rate > 0
