"""What a clone promises: its commands, one version, a changelog and a licence."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import ringpool

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_make_alone_lists_every_target() -> None:
    """`make` prints a line of help for each target, those of the contract among them."""
    shown = subprocess.run(["make"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    listed = set(re.findall(r"^ +make (\S+) +\S", shown, re.MULTILINE))
    phony = set(re.findall(r"^\.PHONY: (\S+)", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert listed == phony
    assert {"run", "install", "test", "bench", "load", "lint", "audit"} <= listed


def test_ci_runs_tests_and_lint() -> None:
    """.ci/run fails where any part does, and takes a missing tool for a failure."""
    script = ROOT / ".ci" / "run"
    text = script.read_text()
    assert script.stat().st_mode & 0o111
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in text
    assert 'export CI="${CI:-true}"' in text
    parts = text[text.index("make test\n") :].splitlines()
    assert [line.split(" #")[0] for line in parts] == [
        "make test",
        "make lint &",
        "linted=$!",
        "make test-lowest",
        'wait "$linted"',
    ]
    subprocess.run(["bash", "-n", script, ROOT / "tests" / "install-tools"], check=True)


def test_one_version() -> None:
    """pyproject.toml and the package name one version, and the container is built as it."""
    version = PROJECT["project"]["version"]
    assert ringpool.__version__ == version
    assert f"ringpool:{version} ." in (ROOT / "Containerfile").read_text().splitlines()[0]


def test_changelog_keeps_the_form() -> None:
    """Keep a Changelog: Unreleased first, then versions with dates, known kinds of change."""
    text = (ROOT / "CHANGELOG.md").read_text()
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", line) for line in headings[1:])
    kinds = set(re.findall(r"^### (.*)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_licence_is_apache() -> None:
    """LICENSE is the whole text of the licence that pyproject.toml names."""
    assert PROJECT["project"]["license"] == "Apache-2.0"
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert text.rstrip().endswith("limitations under the License.")


def test_packages_are_typed() -> None:
    """Each package has the marker that its types may be used."""
    for package in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        assert (ROOT / package / "py.typed").is_file()
