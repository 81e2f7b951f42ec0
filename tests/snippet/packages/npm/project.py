"""An app that has installed the npm package: packed, unpacked, bundled with esbuild as apps are."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from tests.snippet.conformance import browser

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
PACKAGE = ROOT / "snippet" / "packages" / "npm"
_MODULES = ROOT / "tests" / "snippet" / "node_modules"
_TSC = ROOT / "snippet" / "node_modules" / ".bin" / "tsc"


class Project:
    """A folder with the package and React in its ``node_modules``, removed with this object."""

    def __init__(self) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="ringpool-npm-")
        self.folder = folder = Path(self._temporary.name)
        self._built: dict[str, str] = {}
        packed = self.run("npm", "pack", str(PACKAGE), "--json", "--silent")
        (self.packed,) = json.loads(packed)
        modules = folder / "node_modules"
        with tarfile.open(folder / self.packed["filename"]) as archive:
            archive.extractall(folder / "unpacked", filter="data")
        (modules / "@ringpool").mkdir(parents=True)
        (folder / "unpacked" / "package").rename(modules / "@ringpool" / "page")
        for name in ("react", "react-dom", "scheduler"):
            (modules / name).symlink_to(_MODULES / name)
        for path in HERE.glob("*.jsx"):
            shutil.copy(path, folder)
        (folder / "package.json").write_text('{"type": "module"}')

    def run(self, *command: str) -> str:
        """What a command prints that must succeed."""
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=100, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def node(self, script: str) -> Any:
        """What a module prints, read as JSON."""
        return json.loads(self.run("node", "--input-type=module", "-e", script))

    def built(self, entry: str, mode: str = "production", *options: str) -> str:
        """An entry of this folder as one script, in React's ``mode``."""
        key = f"{entry} {mode}"
        if key not in self._built:
            self._built[key] = self.run(
                str(_MODULES / ".bin" / "esbuild"),
                *(entry, "--bundle", "--jsx=automatic", "--charset=ascii", "--log-level=error"),
                *(f'--define:process.env.NODE_ENV="{mode}"', *options),
            )
        return self._built[key]

    @functools.cached_property
    def rendered(self) -> str:
        """The page as a server renders it."""
        script = self.folder / "server.mjs"
        script.write_text(self.built("server.jsx", "production", "--format=esm", "--platform=node"))
        return self.run("node", str(script)).strip()

    def check_types(self, *files: str, **options: object) -> None:
        """Have the TypeScript compiler read these files, strictly."""
        settings: dict[str, object] = {
            "strict": True,
            "noEmit": True,
            "target": "es2022",
            "lib": ["es2022", "dom", "dom.iterable"],
            "types": [],
            **options,
        }
        config = self.folder / "tsconfig.json"
        config.write_text(json.dumps({"compilerOptions": settings, "files": files}))
        self.run(str(_TSC), "--project", str(config))


@functools.cache
def project() -> Project:
    """The app; the test is skipped where its tools are missing."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        browser.missing("Node.js and npm aren't installed")
    if not _MODULES.exists() or not _TSC.exists():
        browser.missing("npm ci in snippet and tests/snippet hasn't been run")
    return Project()
