"""The built wheel, installed elsewhere with the source tree away, serves."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from urllib.request import urlopen

import pytest

from ringpool.demo.entities import ACCOUNT, PLACEMENTS, demo_configuration, printed_number
from tests.servers.service import environment, serving

pytestmark = pytest.mark.timeout(600)  # it builds, installs and starts what it built

ROOT = Path(__file__).parent.parent
PACKAGES = {"allocator", "api", "ringpool", "snippet"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this source tree. Built with what is installed: nothing is downloaded."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir"]
    built = subprocess.run([*build, folder, ROOT], capture_output=True, text=True, timeout=250)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_contents(wheel: Path) -> None:
    """It carries every package file that runs, and nothing that only builds or tests."""
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == PACKAGES
    for folder in ("/node_modules/", "/src/", "/packages/"):
        assert not [name for name in names if folder in name]
    assert {Path(name).suffix for name in names if ".dist-info/" not in name} <= {
        *(".py", ".typed", ".lua", ".js", ".css", ".html", ".yaml"),
    }
    for package, kinds in {"allocator": "lua", "ringpool": "yaml", "api": "html css js"}.items():
        for kind in kinds.split():
            for path in (ROOT / package).rglob(f"*.{kind}"):
                assert str(path.relative_to(ROOT)) in names
    assert {"snippet/dist/dni.js", "snippet/dist/dni-debug.js"} <= set(names)
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_serves_with_the_source_tree_away(wheel: Path, tmp_path: Path) -> None:
    """From a fresh environment: alive, script and page answered, a number allocated."""
    home = tmp_path / "environment"
    venv.create(home)
    python = home / "bin" / "python"
    site = Path(sysconfig.get_path("purelib", "venv", {"base": home}))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    install = [*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True, env=environment(), timeout=250)
    # The dependencies, from here. A path in a .pth has its own .pth files (our editable install's)
    # left unread, so the source tree stays out.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    where = "import ringpool, api, allocator, snippet as s; print(s.__path__, api.__path__)"
    found = subprocess.run(
        [python, "-c", where],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    assert str(ROOT) not in found

    command = home / "bin" / "ringpool"
    with serving(tmp_path, "--demo", last_line="Number API", command=command) as service:

        def read(path: str) -> bytes:
            with urlopen(service.url + path) as answer:
                body: bytes = answer.read()
                return body

        assert json.loads(read("/livez"))["status"] == "alive"
        assert b"/v1/swap" in read(f"/dni.js?account={ACCOUNT}")
        assert b"data-account" in read("/demo")
        page = "http%3A//127.0.0.1/demo%3Fwebsite%3Dwheel"
        target = printed_number(PLACEMENTS)[1:]
        (swap,) = json.loads(read(f"/v1/swap?account={ACCOUNT}&url={page}&targets={target}"))[
            "swaps"
        ]
    pools = {pool.id: pool for pool in demo_configuration(service.url).pools}
    assert swap["state"] == "new"
    assert swap["number"] in pools[PLACEMENTS].numbers
