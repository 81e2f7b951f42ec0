"""Sends one message to one target, once."""

from __future__ import annotations

from ringpool.mail_server import MailServer
from ringpool.notifications import messages
from ringpool.notifications.mail import MailClient
from ringpool.notifications.messages import Message
from ringpool.notifications.outcome import NotSent
from ringpool.notifications.recipients import Target
from ringpool.notifications.webhook import WebhookClient
from ringpool.security.body_signature import HEADER, sign
from ringpool.settings import Settings


class Sender:
    """Sends by webhook and by e-mail. ``mail``: None: the settings name no server."""

    def __init__(self, webhooks: WebhookClient, mail: MailClient | None) -> None:
        self._webhooks = webhooks
        self._mail = mail

    @classmethod
    def of_settings(cls, settings: Settings) -> Sender:
        """Return one that goes by the settings."""
        mail = None
        if settings.smtp_url is not None and settings.smtp_from is not None:
            mail = MailClient(MailServer.parse(settings.smtp_url), settings.smtp_from)
        return cls(WebhookClient(settings.webhook_networks), mail)

    async def send(self, message: Message, target: Target, now: int) -> None:
        """Send; raises NotSent. ``now``: Unix ms, which the signature tells."""
        if target.webhook:
            body = messages.encode(message.body)
            headers = {"ringpool-delivery": message.id}
            if target.secrets:
                headers[HEADER.lower()] = sign(target.secrets, now // 1000, body)
            await self._webhooks.post(target.webhook, body, headers)
        elif self._mail is None:
            raise NotSent("RINGPOOL_SMTP_URL isn't set", for_good=True)
        else:
            subject, text = messages.for_people(message)
            await self._mail.send(
                target.email, subject, text, message_id=message.id, at=message.made
            )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._webhooks.aclose()
