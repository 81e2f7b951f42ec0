"""One post of a webhook, to a real receiver."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest

from ringpool.notifications import webhook
from ringpool.notifications.outcome import NotSent
from ringpool.notifications.webhook import WebhookClient, resolve
from tests.ringpool.notifications.receivers import Receiver, receiver
from tests.servers.certificates import certificate

LOOPBACK = ["127.0.0.0/8"]


@pytest.fixture
async def hook() -> AsyncIterator[Receiver]:
    """A receiver on loopback."""
    async with receiver() as found:
        yield found


class Names:
    """A name server whose answers change: each time the next one, the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def posting(client: WebhookClient, url: str) -> str:
    """Post once; return why it wasn't sent, or ""."""
    try:
        await client.post(url, b'{"a":1}', {"ringpool-delivery": "d1"})
    except NotSent as error:
        return str(error)
    finally:
        await client.aclose()
    return ""


async def test_a_post(hook: Receiver) -> None:
    """A JSON body, to a name whose address is allowed; nobody's proxy is asked."""
    names = Names(["127.0.0.1"])
    url = f"http://ops.example:{hook.port}/a/hook?token=x"
    assert await posting(WebhookClient(LOOPBACK, resolve=names), url) == ""
    (posted,) = hook.posted
    assert (posted.path, posted.body) == ("/a/hook?token=x", b'{"a":1}')
    assert posted.headers["host"] == f"ops.example:{hook.port}"
    assert posted.headers["content-type"] == "application/json"
    assert posted.headers["ringpool-delivery"] == "d1"
    assert names.asked == ["ops.example"]


async def test_loopback_is_refused_as_shipped(
    hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it is written, also behind a proxy that the environment names."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{hook.port}")
    for host in (
        "127.0.0.1",
        "localhost",
        "127.1",
        "0x7f000001",
        "2130706433",
        "[::ffff:127.0.0.1]",
    ):
        reason = await posting(WebhookClient(), f"http://{host}:{hook.port}/")
        assert reason.startswith(("its address isn't public", "its name has no address")), host
    assert hook.posted == []


async def test_a_name_is_resolved_once(hook: Receiver) -> None:
    """A name that is public when it is looked at and private when it is connected to, or that is
    both, leads nowhere: what is connected to is what was looked at."""
    rebinding = Names(["192.0.2.1"], ["127.0.0.1"])
    url = f"http://ops.example:{hook.port}/"
    assert "isn't public" in await posting(WebhookClient(resolve=rebinding), url)
    assert rebinding.asked == ["ops.example"]
    tried: list[str] = []
    client = WebhookClient(resolve=Names(["10.0.0.1", "8.8.8.8", "127.0.0.1"], ["127.0.0.1"]))

    async def post(address_url: object, *_: object) -> int:
        tried.append(str(address_url))
        return 204

    client._post = post  # type: ignore[method-assign, assignment]
    assert await posting(client, url) == ""
    assert tried == [f"http://8.8.8.8:{hook.port}/"]
    assert hook.posted == []


async def test_the_next_address_is_tried(hook: Receiver) -> None:
    """Where a name has several and one of them is closed."""
    names = Names(["127.0.0.2", "127.0.0.1"])
    url = f"http://ops.example:{hook.port}/"
    assert await posting(WebhookClient(LOOPBACK, resolve=names), url) == ""
    assert len(hook.posted) == 1


async def test_redirects_are_not_followed(hook: Receiver) -> None:
    """Not even to where it was allowed to post."""
    hook.status, hook.headers = 307, f"location: {hook.url}&again\r\n"
    assert await posting(WebhookClient(LOOPBACK), hook.url) == "status 307"
    assert len(hook.posted) == 1


async def test_an_answer_is_not_read(hook: Receiver) -> None:
    """Its status is all that matters: a body of megabytes takes no memory."""
    hook.answer = b"x" * 50_000_000
    assert await posting(WebhookClient(LOOPBACK), hook.url) == ""
    hook.status = 500
    assert await posting(WebhookClient(LOOPBACK), hook.url) == "status 500"


async def test_who_keeps_it_waiting_is_left(
    hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it has to be done in time."""
    monkeypatch.setattr(webhook, "TIMEOUT_SECONDS", 0.1)
    hook.status = None
    assert await posting(WebhookClient(LOOPBACK), hook.url) == "no answer in time"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1/a-secret", "ConnectError"),
        ("http://gone.example/a-secret", "its name has no address"),
        ("http://[::1/a-secret", "its address can't be read"),
    ],
)
async def test_a_failure_names_no_address(
    url: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Which may hold a secret."""

    async def system(host: str, port: int) -> Sequence[str]:
        if host == "gone.example":
            raise socket.gaierror(socket.EAI_NONAME, "not known")
        return await resolve(host, port)

    caplog.set_level("WARNING")
    assert await posting(WebhookClient(LOOPBACK, resolve=system), url) == reason
    assert "secret" not in caplog.text


@pytest.fixture(scope="module")
def trust() -> Iterator[tuple[ssl.SSLContext, ssl.SSLContext]]:
    """What a server of 127.0.0.1 shows, and what trusts it."""
    with certificate() as files:
        server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        server.load_cert_chain(files.certificate, files.key)
        yield server, ssl.create_default_context(cafile=str(files.certificate))


async def test_a_certificate_is_for_the_name(
    trust: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    """Not for the address that the name has, and one that nobody knows is refused."""
    shown, trusted = trust
    async with receiver(shown) as hook:
        named = f"https://127.0.0.1:{hook.port}/"
        assert await posting(WebhookClient(LOOPBACK, trust=trusted), named) == ""
        assert await posting(WebhookClient(LOOPBACK), named) == "ConnectError"
        other = f"https://ops.example:{hook.port}/"
        client = WebhookClient(LOOPBACK, resolve=Names(["127.0.0.1"]), trust=trusted)
        assert await posting(client, other) == "ConnectError"
        assert len(hook.posted) == 1


async def test_the_systems_names() -> None:
    """``localhost`` is resolved as any program of this machine does."""
    assert set(await resolve("localhost", 80)) <= {"127.0.0.1", "::1"}
