"""Pages as a framework's own server renders them, and the bundles that hydrate them."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.snippet.conformance import browser

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Rendered:
    """What a server sends: the document in chunks, and the framework's script.

    ``SCRIPT_URL`` in the document stands for the address of the account's script, ``BUNDLE_URL``
    for that of the framework's.
    """

    chunks: tuple[str, ...]
    script: str


@functools.cache
def rendered(framework: str, mode: str, *options: str) -> Rendered:
    """A page of ``framework``, rendered and built for ``mode``; ``options`` as render.mjs has."""
    if shutil.which("node") is None:
        browser.missing("Node.js isn't installed")
    if not (_HERE / "node_modules").exists():
        browser.missing("npm ci in tests/snippet/hydration hasn't been run")
    asked = {"framework": framework, "mode": mode} | dict.fromkeys(options, True)
    command = ["node", str(_HERE / "render.mjs"), json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise AssertionError(done.stderr[-4000:])
    made = json.loads(done.stdout)
    return Rendered(tuple(made["chunks"]), made["script"])
