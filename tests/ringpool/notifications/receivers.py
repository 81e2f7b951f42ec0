"""Receivers of webhooks and of e-mail, on loopback: real servers."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import SMTP
from typing import Any

import msgspec
from aiosmtpd import smtp
from aiosmtpd.smtp import AuthResult, Envelope, Session


@dataclass
class Posted:
    """One request that a receiver got. ``headers``: by lower-case name."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(self.body)
        return found


@dataclass
class Receiver:
    """Answers with ``status`` and ``answer``; None: it keeps who posts waiting."""

    port: int = 0
    status: int | None = 204
    answer: bytes = b""
    headers: str = ""
    posted: list[Posted] = field(default_factory=list)
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?token=a-secret"

    async def wait_for(self, count: int) -> list[Posted]:
        """Wait until so many came."""
        async with self._came:
            await self._came.wait_for(lambda: len(self.posted) >= count)
        return self.posted

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *fields = head.strip().split("\r\n")
            headers = dict(each.lower().split(": ", 1) for each in fields)
            headers |= {k.lower(): v for k, v in (each.split(": ", 1) for each in fields)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.posted.append(Posted(line.split(" ")[1], headers, body))
            async with self._came:
                self._came.notify_all()
            if self.status is None:
                await reader.read()
            else:
                head = f"HTTP/1.1 {self.status} x\r\n{self.headers}content-length: "
                writer.write(f"{head}{len(self.answer)}\r\n\r\n".encode() + self.answer)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def receiver(trust: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver of webhooks. ``trust``: it speaks TLS with this certificate."""
    found = Receiver()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0, ssl=trust)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()


@dataclass
class MailServer:
    """Keeps what it gets. ``refuses``: what it answers to receivers instead, as ``550 no``."""

    port: int = 0
    refuses: str = ""
    messages: list[EmailMessage] = field(default_factory=list)
    receivers: list[list[str]] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it so
        self, _server: object, _session: Session, envelope: Envelope, address: str, _more: object
    ) -> str:
        if self.refuses:
            return self.refuses
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, _server: object, _session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        parsed: Message = BytesParser(policy=SMTP).parsebytes(envelope.content)
        assert isinstance(parsed, EmailMessage)
        self.messages.append(parsed)
        self.receivers.append(list(envelope.rcpt_tos))
        return "250 taken"

    def login(
        self, _server: object, _session: object, _envelope: object, _how: str, data: Any
    ) -> AuthResult:
        self.logins.append((data.login, data.password))
        right = data.password == b"right/password"
        return AuthResult(success=right, handled=right)  # else it answers 535 itself


@asynccontextmanager
async def mail_server(trust: ssl.SSLContext | None = None) -> AsyncIterator[MailServer]:
    """A mail server; with ``trust`` one that wants STARTTLS and a login."""
    found = MailServer()

    def protocol() -> smtp.SMTP:
        secure: dict[str, Any] = {"require_starttls": True, "auth_required": True}
        return smtp.SMTP(
            found,
            hostname="mail.example",
            tls_context=trust,
            authenticator=found.login,
            **(secure if trust else {}),
        )

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
