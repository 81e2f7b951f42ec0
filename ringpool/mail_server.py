"""The server that e-mail is sent by, as a URL names it."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote, urlsplit

_PORTS = {"smtps": 465, "smtp": 587, "smtp+plain": 25}


class MailServer(NamedTuple):
    """``encrypted``: ``always``, ``starttls`` or ``never``. ``user``: "": there is no login."""

    host: str
    port: int
    encrypted: str
    user: str = ""
    password: str = ""

    @classmethod
    def parse(cls, url: str) -> MailServer:
        """Read ``smtps://``, ``smtp://`` (which wants STARTTLS) or ``smtp+plain://``.

        Raises ValueError, whose text shows no login.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise ValueError("not a URL, or its port is no number") from None
        if parts.scheme not in _PORTS or not host or port == 0:
            names = ", ".join(f"{scheme}://" for scheme in _PORTS)
            raise ValueError(f"expected a host after one of {names}")
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError("expected nothing after the host and port; escape / ? # in a password")
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        if bool(user) != bool(password):
            raise ValueError("a login needs a user and a password")
        if user and parts.scheme == "smtp+plain":
            raise ValueError("a login isn't sent without encryption: write smtp:// or smtps://")
        encrypted = {"smtps": "always", "smtp": "starttls", "smtp+plain": "never"}[parts.scheme]
        return cls(host, port or _PORTS[parts.scheme], encrypted, user, password)
