"""One input sent, and what came back judged."""

from __future__ import annotations

import json
import re
import time
from collections import Counter

from msgspec import Struct, field

from loadtests.fuzz.exchange import Answer, Client, Garbled
from loadtests.fuzz.inputs import Input
from loadtests.fuzz.target import HONEST_KEY, LANDING, SECRETS

HANG_SECONDS = 1.0
"""An answer that takes longer is none."""

_CALLBACK = re.compile(rb"/\*\*/[A-Za-z_$][\w$.]{0,63}\((.*)\);", re.DOTALL)
_MADE = re.compile("[0-9a-f]{12}-[0-9a-f]+")
"""An id that the service gave to a request without one."""


class Fault(Exception):
    """What is wrong with the answers to an input."""


class Tally(Struct):
    """What came of many inputs. ``slow``: those that took longer than allowed once, and not again.

    ``failures``: number of the input, and what is wrong.
    """

    inputs: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    slow: int = 0
    slowest: float = 0.0
    failures: list[tuple[int, str]] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take in another's."""
        self.inputs += other.inputs
        self.answers.update(other.answers)
        self.kinds.update(other.kinds)
        self.slow += other.slow
        self.slowest = max(self.slowest, other.slowest)
        self.failures += other.failures


class Trials:
    """Tries inputs, one after the other, as one client. ``name``: of the client.

    After each, a request that is known to be good must get its own answer: on the same connection
    where that is open still, else on one that stays.
    """

    def __init__(self, address: tuple[str, int], name: str) -> None:
        self._address = address
        self._client = Client(*address, HANG_SECONDS)
        self._steady = Client(*address, HANG_SECONDS)
        self._name = name
        self._asked = 0
        self.tally = Tally()

    def attempt(self, number: int, wanted: Input) -> None:
        """Send an input, and count what came of it."""
        self.tally.inputs += 1
        self.tally.kinds[wanted.kind] += 1
        started = time.monotonic()
        try:
            self._attempt(wanted)
        except TimeoutError:
            self._begin_anew()
            if self._hangs(wanted):
                self.tally.failures.append((number, "no answer in time, time and again"))
            else:
                self.tally.slow += 1
        except (Fault, Garbled, OSError) as error:
            self._begin_anew()
            self.tally.failures.append((number, f"{type(error).__name__}: {error}"))
        self.tally.slowest = max(self.tally.slowest, time.monotonic() - started)

    def fault(self, wanted: Input) -> str:
        """What is wrong with an input's answers, on a connection of its own; "" for nothing."""
        self._begin_anew()
        try:
            self._attempt(wanted)
        except TimeoutError:
            return "no answer in time"
        except (Fault, Garbled, OSError) as error:
            return f"{type(error).__name__}: {error}"
        finally:
            self._begin_anew()
        return ""

    def close(self) -> None:
        """Have no connections."""
        self._begin_anew()

    def _hangs(self, wanted: Input) -> bool:
        """Whether it takes too long again: not because the machine was busy with others."""
        return all(self.fault(wanted) == "no answer in time" for _ in range(3))

    def _begin_anew(self) -> None:
        self._client.close()
        self._steady.close()

    def _attempt(self, wanted: Input) -> None:
        client = self._client
        if not client.is_open or not wanted.framed:
            client.close()
        client.send(*wanted.pieces)
        if wanted.ends:
            client.end()
        answers = self._framed(wanted) if wanted.framed else self._doubtful(wanted)
        for answer in answers:
            self.tally.answers[answer.status] += 1
            check_answer(answer)
        if wanted.ends:
            if wanted.framed and client.answer() is not None:
                raise Fault("more answers than requests")
            client.close()
            client = self._steady
        self._ask_good(client)

    def _framed(self, wanted: Input) -> list[Answer]:
        """One answer for each request, in order."""
        answers = []
        for expected in wanted.ids:
            answer = self._client.answer()
            if answer is None:
                raise Fault(f"no answer to {expected}: the connection ended")
            if answer.id != expected:
                raise Fault(f"{answer.status} for {answer.id!r} in place of {expected}")
            answers.append(answer)
        return answers

    def _doubtful(self, wanted: Input) -> list[Answer]:
        """Answers to some of the requests that the input shows, in order; then a refusal."""
        answers = []
        while (answer := self._client.answer()) is not None:
            answers.append(answer)
        seen = 0
        for place, answer in enumerate(answers):
            if answer.id in wanted.never:
                raise Fault(f"what stands in a body was answered: {answer.status} for {answer.id}")
            if not answer.id:
                if place != len(answers) - 1 or not answer.closes:
                    raise Fault(f"{answer.status} for nothing, and not as the last")
            elif not _MADE.fullmatch(answer.id):
                seen = wanted.data.find(answer.id.encode(), seen) + 1
                if not seen:
                    raise Fault(f"{answer.status} for {answer.id}, out of order or not asked")
        return answers

    def _ask_good(self, client: Client) -> None:
        self._asked += 1
        mine = f"good-{self._name}-{self._asked}"
        website = f"good-{self._name}"
        client.send(
            f"GET /api/v1/ring_pools/honest/allocate_number.json?ring_pool_key={HONEST_KEY}"
            f"&website={website} HTTP/1.1\r\nHost: a\r\nX-Request-Id: {mine}\r\n\r\n".encode()
        )
        answer = client.answer()
        if answer is None and client is self._steady:  # it may have been idle for too long
            client.close()
            self._ask_good(client)
        elif (
            answer is None or answer.id != mine or f"website={website}".encode() not in answer.body
        ):
            raise Fault(f"a good request, {mine}, was answered {answer}")


def check_answer(answer: Answer) -> None:
    """Raise Fault for an answer that nothing excuses."""
    if answer.status >= 500 and answer.status != 503:
        raise Fault(f"{answer.status}: {answer.body[:300]!r}")
    head = repr(answer.headers).encode()
    for secret in SECRETS:
        if secret in answer.body or secret in head:
            raise Fault(f"{secret.decode()} in {answer.body[:300]!r}")
    if not answer.id:
        return
    if answer.header(b"x-content-type-options") != b"nosniff":
        raise Fault("no nosniff")
    if answer.header(b"x-injected"):
        raise Fault("a header of the client's own")
    location = answer.header(b"location")
    if location and not location.startswith((LANDING.encode(), b"/admin/v1/")):
        raise Fault(f"a redirect to {location!r}")
    kind, body = answer.header(b"content-type"), answer.body
    if kind.startswith(b"application/javascript") and body.startswith(b"/**/"):
        matched = _CALLBACK.fullmatch(body)
        if matched is None or b"<" in matched[1]:
            raise Fault(f"a script {body[:300]!r}")
        body, kind = matched[1], b"application/json"
    if kind.startswith((b"application/json", b"application/problem+json")) and body:
        try:
            json.loads(body)
        except ValueError:
            raise Fault(f"no JSON: {body[:300]!r}") from None
