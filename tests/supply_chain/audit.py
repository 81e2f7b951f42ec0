"""Asks whether anything that is locked has a known vulnerability: `make audit`.

``pip-audit`` asks the OSV database about the Python locks, ``npm audit`` the npm registry about the
script's and its tests'. The exit status is 0 when nothing is known, 1 when something is, and 2 when
it couldn't be asked, which says nothing about the packages.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent.parent
PYTHON_LOCK = "requirements-development.txt"
"""It has all that the other locks have, in the same versions."""

NODE_FOLDERS = ("snippet", "tests/snippet", "tests/snippet/hydration")
"""What builds the script, and what its tests run. What tests put together of frameworks, to see the
script in their pages, is on no machine but the tester's."""

CLEAN, VULNERABLE, UNASKED = 0, 1, 2


class Found(NamedTuple):
    """A known vulnerability. ``mended``: the versions that have it no more, as far as known."""

    lock: str
    package: str
    names: tuple[str, ...]
    mended: str

    def __str__(self) -> str:
        return f"{self.lock}: {self.package}: {', '.join(self.names)} (mended: {self.mended})"


class Unasked(Exception):
    """A database gave no answer. The message says which lock, and the tool's last words."""


def python_findings(root: Path, osv_url: str | None) -> Iterator[Found]:
    """Of the Python lock. ``osv_url``: another place of the OSV API. Raises Unasked."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", PYTHON_LOCK, "--disable-pip"]
    command += ["--vulnerability-service", "osv", "--format", "json", "--progress-spinner", "off"]
    command += ["--osv-url", osv_url] if osv_url else []
    report = _report(PYTHON_LOCK, command, root, "dependencies")
    for package in report["dependencies"]:
        if reason := package.get("skip_reason"):
            raise Unasked(f"{PYTHON_LOCK}: {package['name']}: {reason}")
        for each in package["vulns"]:
            yield Found(
                PYTHON_LOCK,
                f"{package['name']} {package['version']}",
                (each["id"], *each.get("aliases", ())),
                ", ".join(each["fix_versions"]) or "in no version yet",
            )


def node_findings(root: Path, folder: str) -> Iterator[Found]:
    """Of an npm lock. Raises Unasked."""
    lock = f"{folder}/package-lock.json"
    command = ["npm", "audit", "--package-lock-only", "--audit", "--json"]
    report = _report(lock, command, root / folder, "vulnerabilities")
    for package in report["vulnerabilities"].values():
        fix = package["fixAvailable"]
        mended = "in no version yet"
        if fix:
            mended = f"{fix['name']} {fix['version']}" if isinstance(fix, dict) else "npm audit fix"
        for each in package["via"]:
            if isinstance(each, dict):  # else it is named for a package that it needs
                name = each["url"].rpartition("/")[2]
                yield Found(lock, f"{each['name']} {each['range']}", (name,), mended)


def _report(lock: str, command: Sequence[str], folder: Path, key: str) -> dict[str, Any]:
    """What a tool prints as JSON; raises Unasked unless it has ``key``."""
    try:
        result = subprocess.run(command, cwd=folder, text=True, capture_output=True, timeout=300)
        report: dict[str, Any] = json.loads(result.stdout or "{}")
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unasked(f"{lock}: {error}") from None
    except ValueError:
        report = {}
    if key not in report:
        said = [line for line in result.stderr.splitlines() if line.strip()]
        raise Unasked(f"{lock}: {report.get('message') or (said or ['no answer'])[-1]}")
    return report


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Audit every lock; prints a line for each finding, and returns the exit status."""
    parser = argparse.ArgumentParser(prog="make audit", description=__doc__)
    parser.add_argument("--ignore", action="append", default=[], metavar="ID", help="a known one")
    parser.add_argument("--osv-url", help="where the OSV database is asked")
    options = parser.parse_args(arguments)
    sources = [python_findings(root, options.osv_url)]
    sources += [node_findings(root, folder) for folder in NODE_FOLDERS]
    return tell(sources, {*options.ignore})


def tell(sources: Iterable[Iterable[Found]], ignored: set[str]) -> int:
    """Print what each source finds that isn't ignored by one of its names; the exit status."""
    found: list[Found] = []
    unasked = 0
    for findings in sources:
        try:
            found += [each for each in findings if ignored.isdisjoint(each.names)]
        except Unasked as error:
            unasked += 1
            print(f"couldn't be asked (is there a network?): {error}", file=sys.stderr)
    for each in found:
        print(each)
    if found:
        return VULNERABLE
    if unasked:
        return UNASKED
    print("no known vulnerability in what is locked")
    return CLEAN


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
