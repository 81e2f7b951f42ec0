"""An API key's text is where it was made, and nowhere else: no file, log, answer or output."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from ringpool.cli import main
from tests.api.conftest import ADMIN, KEY
from tests.api.service import service

PLAIN = "a-plain-key-from-a-file-0123456789"

FILE = f"""
accounts:
  - id: leaky
    api_keys: [{PLAIN}]
pools:
  - {{id: leaky, account: leaky, key: {KEY}, parameters: [a], allow_overflow: false}}
"""


def test_a_keys_text_is_nowhere_but_where_it_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that the service wrote is read: the store's files, with every write it took, and the log.

    The same holds for what answers and commands show, differences and refusals included.
    """
    monkeypatch.setenv("RINGPOOL_DATA_DIR", str(tmp_path))
    said: list[str] = []

    def run(*words: str, stdin: str | None = None) -> str:
        done = CliRunner().invoke(main, words, input=stdin)
        said.append(done.output)
        return done.output

    with service(tmp_path) as running:
        assert "+ account leaky" in run("apply", "-", stdin=FILE)
        made = CliRunner().invoke(main, ["key", "create", "leaky", "cli", "--scope", "manage"])
        secrets = [PLAIN, made.stdout.strip()]
        url = "/admin/v1/accounts/leaky/keys"
        admin = {"authorization": f"Bearer {ADMIN}"}
        for path, body in ((url, {"name": "http", "scopes": ["read"]}), (f"{url}/http/rotate", {})):
            secrets.append(running.client.post(path, json=body, headers=admin).json()["key"])
        for token in (ADMIN, *secrets):
            auth = {"authorization": f"Bearer {token}"}
            paths = ("accounts", "accounts/leaky", "accounts/leaky/keys", "pools", "nowhere")
            said += [running.client.get(f"/admin/v1/{path}", headers=auth).text for path in paths]
            call = {"id": "c", "number": "+18885559999"}
            said.append(running.client.post("/admin/v1/calls", json=call, headers=auth).text)
            said.append(running.client.get("/v1/swap", headers=auth).text)
        double = {"id": "leaky-2", "api_keys": [PLAIN, f"{PLAIN} "]}
        for document in (double, {**double, "api_keys": [PLAIN]}):
            refused = running.client.post("/admin/v1/accounts", json=document, headers=admin)
            assert refused.status_code == 422
            said.append(refused.text)
        exported = run("export")
        assert "nothing to change" in run("apply", "-", stdin=exported)
        run("apply", "--dry-run", "-", stdin=FILE)
        run("apply", "-", "--json", stdin=FILE.replace(PLAIN, f"{PLAIN}-2"))
        for words in (["key", "list", "leaky"], ["pool", "show", "leaky"], ["doctor"]):
            run(*words)
        assert running.stop() == 0
    assert all(len(secret) > 20 for secret in secrets)
    assert "sha256:" in exported
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert any(b"leaky" in content for path, content in files.items() if "aof" in path.name)
    for secret in secrets:
        assert not [path for path, content in files.items() if secret.encode() in content]
        assert not [text for text in said if secret in text]
