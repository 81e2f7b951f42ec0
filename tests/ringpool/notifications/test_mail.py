"""One e-mail, to a real server."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest

from ringpool.mail_server import MailServer
from ringpool.notifications.mail import MailClient
from ringpool.notifications.outcome import NotSent
from tests.ringpool.notifications.receivers import mail_server
from tests.servers.certificates import certificate

SENDER = "ringpool@example.com"
AT = 1_795_818_264_000


async def sending(
    url: str, *, subject: str = "[Ringpool] x", trust: ssl.SSLContext | None = None
) -> str:
    """Send once; return why it wasn't sent, or ""."""
    client = MailClient(MailServer.parse(url), SENDER, trust=trust)
    try:
        await client.send("ops@example.com", subject, "Text\n.\nö\n", message_id="d1", at=AT)
    except NotSent as error:
        return f"{error}{' for good' if error.for_good else ''}"
    return ""


@pytest.fixture(scope="module")
def trust() -> Iterator[tuple[ssl.SSLContext, ssl.SSLContext]]:
    """What a server of 127.0.0.1 shows, and what trusts it."""
    with certificate() as files:
        server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        server.load_cert_chain(files.certificate, files.key)
        yield server, ssl.create_default_context(cafile=str(files.certificate))


async def test_an_email_as_it_arrives() -> None:
    """From the service to one receiver, with an id that is the same when it comes again."""
    async with mail_server() as server:
        assert await sending(f"smtp+plain://127.0.0.1:{server.port}") == ""
        (message,) = server.messages
        assert server.receivers == [["ops@example.com"]]
        assert (message["from"], message["to"]) == (SENDER, "ops@example.com")
        assert message["subject"] == "[Ringpool] x"
        assert message["message-id"] == "<d1@example.com>"
        assert message["date"].datetime.timestamp() * 1000 == AT
        assert message.get_content().splitlines() == ["Text", ".", "ö"]


async def test_starttls_and_a_login(trust: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """The password goes over TLS to a server whose certificate is known, or nowhere."""
    shown, trusted = trust
    async with mail_server(shown) as server:
        right = f"smtp://me:right%2Fpassword@127.0.0.1:{server.port}"
        assert await sending(right, trust=trusted) == ""
        assert len(server.messages) == 1
        assert await sending(right.replace("right", "wrong"), trust=trusted) == (
            "the mail server answers 535"
        )
        logins = len(server.logins)
        assert "mail server: " in await sending(right)  # whom nobody here trusts
        assert "530" in await sending(f"smtp+plain://127.0.0.1:{server.port}")
        assert (len(server.messages), len(server.logins)) == (1, logins)
    async with mail_server() as server:  # no TLS there
        assert "mail server: " in await sending(f"smtp://me:x@127.0.0.1:{server.port}")
        assert (server.messages, server.logins) == ([], [])
    assert await sending("smtps://127.0.0.1:1") == "the mail server: SMTPConnectError"


@pytest.mark.parametrize(("answer", "good"), [("450 later", ""), ("550 no", " for good")])
async def test_a_receiver_that_is_refused(answer: str, good: str) -> None:
    """For now, or for good: then it isn't tried again."""
    async with mail_server() as server:
        server.refuses = answer
        reason = await sending(f"smtp+plain://127.0.0.1:{server.port}")
        assert reason == f"refused with {answer[:3]}{good}"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
async def test_nothing_ends_a_header(end: str) -> None:
    """A text with a line break in a header is refused before anything is sent."""
    async with mail_server() as server:
        with pytest.raises(ValueError, match=r"linefeed|newline|header"):
            await sending(
                f"smtp+plain://127.0.0.1:{server.port}", subject=f"x{end}Bcc: all@example.com"
            )
        assert server.messages == []


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtps://me:a%2Fb%3Ac@mail.example", ("mail.example", 465, "always", "me", "a/b:c")),
        ("smtp://mail.example", ("mail.example", 587, "starttls", "", "")),
        ("smtp+plain://[::1]:2525/", ("::1", 2525, "never", "", "")),
    ],
)
def test_a_servers_url(url: str, server: tuple[object, ...]) -> None:
    """Scheme, host, port and login."""
    assert MailServer.parse(url) == server


@pytest.mark.parametrize(
    "url",
    [
        "mail.example",
        "http://mail.example",
        "smtp://",
        "smtp://mail.example:0",
        "smtp://mail.example:many",
        "smtp://me@mail.example",
        "smtp://me:pass/word@mail.example",
        "smtp://mail.example/?starttls=no",
        "smtp+plain://me:secret-word@mail.example",
    ],
)
def test_a_url_that_is_none(url: str) -> None:
    """Said without the login."""
    with pytest.raises(ValueError, match=r"expected|URL|login") as refused:
        MailServer.parse(url)
    assert "word" not in str(refused.value).replace("password", "")
