"""`make sbom` writes documents that are as CycloneDX says, of all that is locked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.servers.programs import program
from tests.supply_chain import sbom
from tests.supply_chain.base_image import CONTAINERFILE, pinned
from tests.test_locks import pins


def test_the_documents_name_all_that_is_locked(tmp_path: Path) -> None:
    """Every package with version and hashes, and the base image; both pass the schema."""
    program("npm")
    container, snippet = (json.loads(file.read_text()) for file in sbom.write(tmp_path))
    base, *listed = sorted(container["components"], key=lambda part: part["type"] != "container")
    assert base["version"].endswith(f"@{pinned(CONTAINERFILE)[1]}")
    assert {(part["name"], part["version"]) for part in listed} == {
        (name, str(version)) for name, versions in pins("runtime").items() for version in versions
    }
    for part in listed:
        assert part["externalReferences"][0]["hashes"], part["name"]
        assert part["purl"] == f"pkg:pypi/{part['name']}@{part['version']}"
    lock = json.loads((sbom.ROOT / "snippet" / "package-lock.json").read_text("utf-8"))
    assert len(snippet["components"]) == len(lock["packages"]) - 1  # itself
    assert all(part["hashes"] for part in snippet["components"])


def test_a_document_that_is_none_is_refused() -> None:
    """The check isn't a formality."""
    with pytest.raises(ValueError, match="not as CycloneDX"):
        sbom.check({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"name": 1}]})
