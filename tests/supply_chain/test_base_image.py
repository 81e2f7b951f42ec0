"""The base image is pinned by digest, and one command writes the digest anew."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from tests.servers.process import free_port
from tests.supply_chain import base_image
from tests.supply_chain.registries import Asked, Told, registry

MANIFEST = b'{"mediaType": "application/vnd.oci.image.index.v1+json"}'
NEW = f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"
OLD = f"sha256:{'0' * 64}"


def containerfile(folder: Path, host: str, digest: str = f"@{OLD}") -> Path:
    """One whose base image is of that registry."""
    file = folder / "Containerfile"
    file.write_text(f"# a line\nARG PYTHON_IMAGE={host}/library/python:3.13-slim{digest}\nFROM x\n")
    return file


def images(asked: Asked) -> Told:
    """A registry that gives everybody a token, and wants it."""
    if asked.path.startswith("/token?"):
        assert "scope=repository" in asked.path
        return Told(200, json.dumps({"token": "for-all"}).encode())
    if asked.authorization != "Bearer for-all":
        host = images.host  # type: ignore[attr-defined]
        challenge = f'Bearer realm="http://{host}/token",scope="repository:library/python:pull"'
        return Told(401, b"", (("www-authenticate", challenge),))
    assert asked.path == "/v2/library/python/manifests/3.13-slim"
    return Told(200, MANIFEST, (("docker-content-digest", NEW),))


def test_every_stage_begins_with_a_digest() -> None:
    """No image in the Containerfile goes by a tag, which means another image tomorrow."""
    text = base_image.CONTAINERFILE.read_text("utf-8")
    name, digest = base_image.pinned(base_image.CONTAINERFILE)
    assert base_image.named(name).registry == "docker.io"
    assert digest
    stages = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert stages == ["${PYTHON_IMAGE}"] * 2
    assert set(re.findall(r"--from=(\S+)", text)) == {"build"}


def test_upgrade_asks_the_registry(tmp_path: Path) -> None:
    """With --upgrade the digest is what the tag means now; without, one that is there stays."""
    with registry(images) as host:
        images.host = host  # type: ignore[attr-defined]
        file = containerfile(tmp_path, host)
        assert OLD in base_image.pin(file, upgrade=False)
        assert OLD in file.read_text()
        assert "now" in base_image.pin(file, upgrade=True)
        assert base_image.pinned(file) == (f"{host}/library/python:3.13-slim", NEW)
        assert file.read_text().splitlines()[::2] == ["# a line", "FROM x"]
        assert "still" in base_image.pin(file, upgrade=True)
        without = containerfile(tmp_path, host, "")
        base_image.pin(without, upgrade=False)
        assert base_image.pinned(without)[1] == NEW


def test_a_registry_that_cannot_be_believed_changes_nothing(tmp_path: Path) -> None:
    """Away, without such a tag, or with a digest that isn't its manifest's: the file stays."""
    wrong = Told(200, b"{}", (("docker-content-digest", NEW),))
    for answer in (wrong, Told(404, b"")):
        with registry(lambda _, told=answer: told) as host:  # type: ignore[misc]
            file = containerfile(tmp_path, host)
            with pytest.raises(base_image.Unknown, match=re.escape(host)):
                base_image.pin(file, upgrade=True)
            assert OLD in file.read_text()
    file = containerfile(tmp_path, f"127.0.0.1:{free_port()}")
    with pytest.raises(base_image.Unknown, match="doesn't tell"):
        base_image.pin(file, upgrade=True)
    assert OLD in file.read_text()


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("python:3.13-slim", ("docker.io", "library/python", "3.13-slim")),
        ("docker.io/library/python", ("docker.io", "library/python", "latest")),
        ("registry.example:5000/a/b:1", ("registry.example:5000", "a/b", "1")),
    ],
)
def test_names_are_read_as_container_tools_do(name: str, parts: tuple[str, str, str]) -> None:
    """Which registry, repository and tag a name means."""
    assert base_image.named(name) == parts
