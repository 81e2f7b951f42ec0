"""Web addresses as they go over the wire: in ASCII, and written as browsers write them."""

from __future__ import annotations

from urllib.parse import quote, urlsplit, urlunsplit

URL_SAFE = "%!$&'()*+,;=:@/?-._~[]"
"""What stays as it is in a path, query or fragment; everything else is percent-encoded."""

_OWN_PORTS = {"http": 80, "https": 443}


def in_ascii(url: str) -> str:
    """An absolute http(s) URL whose host is in lower case and IDNA, without its scheme's own port.

    People write ``https://Bücher.example:443/ä``; headers take ASCII alone, and a browser calls
    that page's origin ``https://xn--bcher-kva.example``.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:  # such as a label that is too long: browsers find no such host
            host = quote(host)
    if ":" in host:
        host = f"[{host}]"
    if parts.port not in (None, _OWN_PORTS[parts.scheme]):
        host += f":{parts.port}"
    rest = (quote(part, safe=URL_SAFE) for part in (parts.path, parts.query, parts.fragment))
    path, query, fragment = rest
    return urlunsplit((parts.scheme, host, path, query, fragment))
