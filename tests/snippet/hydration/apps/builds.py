"""Real apps in this folder, each built with its framework's own tools and served by its own server.

A build is made once for all test processes, in the app's folder, and again when anything that went
into it has changed. Nothing of it goes out to the network: telemetry is off.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.process import running, temporary_folder, until
from tests.snippet.conformance import browser

_HERE = Path(__file__).parent
_PACKAGE = _HERE.parents[3] / "snippet" / "packages" / "npm"
_BUILD_SECONDS = 500.0
_QUIET = {
    "NEXT_TELEMETRY_DISABLED": "1",
    "ASTRO_TELEMETRY_DISABLED": "1",
    "NUXT_TELEMETRY_DISABLED": "1",
}
_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")


@dataclass(frozen=True)
class App:
    """One app of this folder. Commands are what ``node`` runs, from the app's own folder.

    ``output``: the folder that the build is in. ``environment``: more of it, for each command.
    ``develops``: the command of a server that compiles what is asked for, if tests use one.
    """

    name: str
    output: str
    builds: tuple[str, ...]
    serves: tuple[str, ...]
    environment: Mapping[str, str]
    develops: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where its sources are."""
        return _HERE / self.name


_NEXT = "node_modules/next/dist/bin/next"
_ASTRO = "node_modules/astro/astro.js"

NEXT = App(
    "next",
    ".next",
    builds=(_NEXT, "build"),
    serves=(_NEXT, "start", "-H", "127.0.0.1", "-p", "0"),
    develops=(_NEXT, "dev", "-H", "127.0.0.1", "-p", "0"),
    environment={"OUTPUT": ".next"},
)
ASTRO = App(
    "astro",
    "dist",
    builds=(_ASTRO, "build"),
    serves=(_ASTRO, "preview", "--host", "127.0.0.1", "--port", "0"),
    environment={},
)
NUXT = App(
    "nuxt",
    ".output",
    builds=("node_modules/nuxt/bin/nuxt.mjs", "build"),
    serves=(".output/server/index.mjs",),
    environment={"NITRO_HOST": "127.0.0.1", "NITRO_PORT": "0"},
)


@contextmanager
def served(app: App) -> Iterator[int]:
    """The port that the built app is served on, until the end of the block."""
    _build(app)
    with _running(app, app.serves) as port:
        yield port


@contextmanager
def developed(app: App) -> Iterator[int]:
    """The port of the app's development server; what it compiles is removed in the end."""
    with _alone_in(app):
        _install_package(app)
    output = f"{app.output}/development-{os.getpid()}"
    try:
        with _running(app, app.develops, OUTPUT=output) as port:
            yield port
    finally:
        shutil.rmtree(app.folder / output, ignore_errors=True)


@contextmanager
def _running(app: App, command: tuple[str, ...], **environment: str) -> Iterator[int]:
    with temporary_folder() as folder:
        log = folder / "log"
        with running(
            ["node", *command],
            log,
            environment=_environment(app) | environment,
            cwd=app.folder,
        ) as process:

            def port() -> int:
                if process.poll() is not None:
                    raise ChildProcessError
                found = _ADDRESS.search(log.read_text())
                return int(found[1]) if found else 0

            try:
                found = until(port)
            except (ChildProcessError, TimeoutError) as error:
                raise RuntimeError(f"{command}:\n{log.read_text()[-4000:]}") from error
            yield found


def _build(app: App) -> None:
    with _alone_in(app):
        stamp = app.folder / app.output / "built-from"
        wanted = _sources(app)
        if stamp.exists() and stamp.read_text() == wanted:
            return
        stamp.unlink(missing_ok=True)
        _install_package(app)
        done = subprocess.run(
            ["node", *app.builds],
            cwd=app.folder,
            env=_environment(app),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_BUILD_SECONDS,
        )
        if done.returncode:
            raise AssertionError(done.stdout[-4000:] + done.stderr[-4000:])
        stamp.write_text(wanted)


@contextmanager
def _alone_in(app: App) -> Iterator[None]:
    """No other test process is in such a block; the test is skipped where tools are missing."""
    if shutil.which("node") is None:
        browser.missing("Node.js isn't installed")
    modules = app.folder / "node_modules"
    if not modules.exists():
        browser.missing(f"npm ci in {app.folder.relative_to(_HERE.parents[3])} hasn't been run")
    with (modules / ".building").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install_package(app: App) -> None:
    """Put our npm package into the app, as npm does with a packed one."""
    installed = app.folder / "node_modules" / "@ringpool" / "page"
    for path in _package_files():
        target = installed / path.relative_to(_PACKAGE)
        if not target.exists() or target.read_bytes() != path.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


def _package_files() -> list[Path]:
    return [_PACKAGE / "package.json", *sorted((_PACKAGE / "src").iterdir())]


def _sources(app: App) -> str:
    """A hash of all that a build is made from."""
    own = [
        path
        for path in sorted(app.folder.iterdir())
        if path.name not in ("node_modules", app.output) and not path.name.startswith(".")
    ]
    listed = [path for top in own for path in (top, *sorted(top.rglob("*"))) if path.is_file()]
    node = subprocess.run(["node", "--version"], capture_output=True, check=True).stdout
    digest = hashlib.sha256(node)
    for path in [*listed, *_package_files()]:
        digest.update(f"{path.name} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _environment(app: App) -> dict[str, str]:
    """The environment without what would make the tools build something else."""
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "NODE_ENV")}
    return {**kept, **_QUIET, **app.environment}
