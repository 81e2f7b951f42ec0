"""Pins the container's base image by digest: `make lock` runs this after the packages' locks.

The Containerfile names the image once, as ``ARG PYTHON_IMAGE=name:tag@sha256:…``. A digest that is
there stays, as the versions in the other locks do; ``--upgrade`` asks the image's registry, by the
OCI distribution API, what its tag means now.
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path
from typing import NamedTuple

import httpx

CONTAINERFILE = Path(__file__).parent.parent.parent / "Containerfile"

_PINNED = re.compile(r"^ARG PYTHON_IMAGE=([^\s@]+)(?:@(sha256:[0-9a-f]{64}))?$", re.MULTILINE)
_LOOPBACK = ("localhost", "127.0.0.1")
_HUB = {"docker.io": "registry-1.docker.io"}
"""Where the API of a registry is that has another name in images' names."""

_KINDS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
"""Of every platform first, so that one digest is right on all of them."""


class Unknown(Exception):
    """The registry doesn't tell the digest. One line that says why."""


class Image(NamedTuple):
    """Where an image is: ``registry`` is a host, ``repository`` a path in it."""

    registry: str
    repository: str
    tag: str


def named(name: str) -> Image:
    """The parts of ``[registry/]repository[:tag]``, as container tools read it."""
    first, slash, rest = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        first, rest = "docker.io", name
    repository, _, tag = rest.partition(":")
    if first == "docker.io" and "/" not in repository:
        repository = f"library/{repository}"
    return Image(first, repository, tag or "latest")


def digest_of(image: Image) -> str:
    """``sha256:…`` of what the tag means now; raises Unknown.

    It is computed from the manifest that came, so that no header is believed.
    """
    host = _HUB.get(image.registry, image.registry)
    scheme = "http" if host.partition(":")[0] in _LOOPBACK else "https"
    url = f"{scheme}://{host}/v2/{image.repository}/manifests/{image.tag}"
    headers = {"accept": _KINDS}
    try:
        with httpx.Client(timeout=30, follow_redirects=True) as client:
            answer = client.get(url, headers=headers)
            if answer.status_code == 401:
                token = _token(client, answer.headers.get("www-authenticate", ""))
                answer = client.get(url, headers={**headers, "authorization": f"Bearer {token}"})
            answer.raise_for_status()
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise Unknown(f"{image.registry} doesn't tell: {error}") from None
    digest = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
    told = answer.headers.get("docker-content-digest", digest)
    if told != digest:
        raise Unknown(f"{image.registry} says {told} of a manifest that is {digest}")
    return digest


def _token(client: httpx.Client, challenge: str) -> str:
    """A token for anybody, from where the registry sends those without one."""
    asked = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    answer = client.get(asked.pop("realm"), params=asked)
    return str(answer.raise_for_status().json()["token"])


def pinned(containerfile: Path) -> tuple[str, str]:
    """The base image's name and digest, "" without one; raises Unknown."""
    found = _PINNED.search(containerfile.read_text("utf-8"))
    if found is None:
        raise Unknown(f"{containerfile.name} has no line ARG PYTHON_IMAGE=name:tag@sha256:…")
    return found[1], found[2] or ""


def pin(containerfile: Path, *, upgrade: bool) -> str:
    """Write the digest into the Containerfile where it is wanted; what there is to tell.

    Raises Unknown, and has changed nothing then.
    """
    name, before = pinned(containerfile)
    if before and not upgrade:
        return f"base image: {name} stays {before}"
    digest = digest_of(named(name))
    if digest == before:
        return f"base image: {name} is still {digest}"
    line = f"ARG PYTHON_IMAGE={name}@{digest}"
    containerfile.write_text(_PINNED.sub(line, containerfile.read_text("utf-8")), "utf-8")
    return f"base image: {name} is {digest} now"


if __name__ == "__main__":
    try:
        print(pin(CONTAINERFILE, upgrade="--upgrade" in sys.argv[1:]))
    except Unknown as unknown:
        sys.exit(f"base image: its digest is as it was: {unknown}")
