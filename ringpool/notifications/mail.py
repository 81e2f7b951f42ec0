"""Sends an e-mail once, by the server that the settings name."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import aiosmtplib

from ringpool.mail_server import MailServer
from ringpool.notifications.outcome import NotSent

_TIMEOUT_SECONDS = 10.0


class MailClient:
    """``sender``: the address that e-mail comes from. ``trust``: else the system's authorities."""

    def __init__(
        self, server: MailServer, sender: str, *, trust: ssl.SSLContext | None = None
    ) -> None:
        self._server = server
        self._sender = sender
        self._trust = trust

    async def send(self, to: str, subject: str, text: str, *, message_id: str, at: int) -> None:
        """Send plain ``text``; raises NotSent. ``at``: when it is from, Unix ms.

        ``message_id``: the same for each attempt, so that a repeat is known for one.
        """
        message = EmailMessage(policy=SMTP)  # which refuses a line break in a header
        message["From"] = self._sender
        message["To"] = to
        message["Subject"] = subject
        message["Date"] = format_datetime(datetime.fromtimestamp(at / 1000, UTC))
        message["Message-ID"] = f"<{message_id}@{self._sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        encrypted = self._server.encrypted
        try:
            await aiosmtplib.send(
                message,
                hostname=self._server.host,
                port=self._server.port,
                username=self._server.user or None,
                password=self._server.password or None,
                use_tls=encrypted == "always",
                start_tls=encrypted == "starttls",
                tls_context=self._trust,
                timeout=_TIMEOUT_SECONDS,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = {refused.code for refused in error.recipients}
            refused = min(codes) >= 500
            raise NotSent(f"refused with {min(codes)}", for_good=refused) from None
        except aiosmtplib.SMTPResponseException as error:
            raise NotSent(f"the mail server answers {error.code}") from None
        except (aiosmtplib.SMTPException, OSError) as error:  # its text may have an address
            raise NotSent(f"the mail server: {type(error).__name__}") from None
