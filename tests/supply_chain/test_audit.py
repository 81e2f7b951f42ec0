"""`make audit` finds what is known, says so, and tells a clean answer from none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers.process import free_port
from tests.servers.programs import program
from tests.supply_chain import audit
from tests.supply_chain.registries import Asked, Told, registry

KNOWN = {
    "id": "PYSEC-2026-1",
    "aliases": ["CVE-2026-1"],
    "modified": "2026-01-01T00:00:00Z",
    "summary": "a hole",
    "affected": [
        {
            "package": {"name": "click", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.1.0"}]}],
        }
    ],
}
PAKO = {
    "id": 1,
    "url": "https://github.com/advisories/GHSA-aaaa-bbbb-cccc",
    "title": "a hole",
    "severity": "high",
    "vulnerable_versions": "<99.0.0",
}
PACKAGE = {"name": "pako", "versions": {"2.1.0": {"name": "pako", "version": "2.1.0"}}}
"""What the npm registry tells of a package: npm looks for a version that is mended."""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with short locks: one package of PyPI, one of npm."""
    program("npm")
    monkeypatch.setattr(audit, "NODE_FOLDERS", ("snippet",))
    lock = f"click==8.4.0 \\\n    --hash=sha256:{'0' * 64}\n"
    (tmp_path / audit.PYTHON_LOCK).write_text(lock)
    for folder in audit.NODE_FOLDERS:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        root = {"name": "x", "version": "1.0.0", "devDependencies": {"pako": "^2.1.0"}}
        pako = {"version": "2.1.0", "integrity": "sha512-AAAA", "dev": True}
        packages = {"": root, "node_modules/pako": pako}
        lockfile = {**root, "lockfileVersion": 3, "requires": True, "packages": packages}
        (tmp_path / folder / "package.json").write_text(json.dumps(root))
        (tmp_path / folder / "package-lock.json").write_text(json.dumps(lockfile))
    return tmp_path


@contextmanager
def databases(
    monkeypatch: pytest.MonkeyPatch, python: list[object], node: dict[str, object]
) -> Iterator[str]:
    """Both databases, with what they know; yields the address of OSV's."""

    def answer(asked: Asked) -> Told:
        told: Mapping[str, object] = PACKAGE
        if asked.path == "/v1/query":
            told = {"vulns": python}
        elif asked.path.endswith("/advisories/bulk"):
            told = node
        return Told(200, json.dumps(told).encode(), (("content-type", "application/json"),))

    with registry(answer) as host:
        monkeypatch.setenv("npm_config_registry", f"http://{host}/")
        yield f"http://{host}/v1/query"


def test_what_is_known_is_told(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line for each, by lock and package, with every name that it has, and status 1."""
    with databases(monkeypatch, [KNOWN], {"pako": [PAKO]}) as osv:
        assert audit.main(["--osv-url", osv], root) == audit.VULNERABLE
    assert capsys.readouterr().out.splitlines() == [
        "requirements-development.txt: click 8.4.0: PYSEC-2026-1, CVE-2026-1 (mended: 99.1.0)",
        "snippet/package-lock.json: pako <99.0.0: GHSA-aaaa-bbbb-cccc (mended: in no version yet)",
    ]


def test_what_is_ignored_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    """One that was looked at is taken by any of its names; every other still counts."""
    found = [audit.Found("lock", "click 8", ("PYSEC-2026-1", "CVE-2026-1"), "9")]
    assert audit.tell([found], {"CVE-2026-1"}) == audit.CLEAN
    assert audit.tell([found, []], {"CVE-2026-2"}) == audit.VULNERABLE
    assert "click 8" in capsys.readouterr().out


def test_no_answer_is_no_clean_answer(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a network the status is 2, and each lock that couldn't be asked about is named."""
    nobody = f"http://127.0.0.1:{free_port()}/"
    monkeypatch.setenv("npm_config_registry", nobody)
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    assert audit.main(["--osv-url", nobody], root) == audit.UNASKED
    captured = capsys.readouterr()
    assert captured.out == ""
    told = captured.err.splitlines()
    assert [line.split(": ")[1] for line in told] == [
        "requirements-development.txt",
        *(f"{folder}/package-lock.json" for folder in audit.NODE_FOLDERS),
    ]
    assert all(line.startswith("couldn't be asked (is there a network?)") for line in told)
