"""The built script: made from its sources, small, typed, and safe to put settings into."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from snippet import bundle

SNIPPET = Path(__file__).parents[2] / "snippet"
BUDGET = 5632


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources with the build tools of the lock file, installed if need be."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("needs Node and npm")
    needed = json.loads((SNIPPET / "package.json").read_bytes())["devDependencies"]
    if not all((SNIPPET / "node_modules" / name).exists() for name in needed):
        subprocess.run([npm, "ci", "--ignore-scripts"], cwd=SNIPPET, check=True, timeout=300)
    copy = tmp_path_factory.mktemp("snippet")
    for name in (
        "package.json",
        "build.mjs",
        "compile.mjs",
        "names.mjs",
        "names.json",
        "tsconfig.json",
    ):
        shutil.copy(SNIPPET / name, copy)
    shutil.copytree(SNIPPET / "src", copy / "src")
    (copy / "dist").mkdir()
    (copy / "node_modules").symlink_to(SNIPPET / "node_modules")
    return copy


def test_dist_is_built_from_src(tools: Path) -> None:
    """The committed files are what the build makes of the sources."""
    subprocess.run(["node", "build.mjs"], cwd=tools, check=True, timeout=120)
    for name in ("dni.js", "dni-debug.js"):
        built = (tools / "dist" / name).read_bytes()
        assert built == (SNIPPET / "dist" / name).read_bytes(), "run `npm run build` in snippet/"


def test_search_for_names(tools: Path) -> None:
    """The search for short names ends with names that the script is no heavier with."""

    def run(*command: str) -> str:
        return subprocess.run(
            ["node", *command], cwd=tools, check=True, capture_output=True, text=True, timeout=120
        ).stdout

    names = tools / "names.json"
    before = names.read_text(encoding="utf-8")
    try:
        first, last = run("names.mjs", "20").splitlines()
        found, built = re.findall(r"\d+", last)
        assert found == built  # the search weighs the same text that the build writes
        assert int(built) <= int(first.split()[-2])
    finally:
        names.write_text(before, encoding="utf-8")


def test_types(tools: Path) -> None:
    """The JSDoc types hold under tsc --strict."""
    checked = subprocess.run(
        ["node_modules/.bin/tsc", "--project", "tsconfig.json"],
        cwd=tools,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert checked.stdout == ""
    assert checked.returncode == 0


def test_size() -> None:
    """All that a visitor loads is at most 5,632 bytes under gzip -9, the file's name included."""
    assert len(gzip.compress(bundle.SOURCE, 9, mtime=0) + b"dni.js\0") <= BUDGET


def test_ascii_without_eval() -> None:
    """The script is ASCII, whatever a page's encoding, and never makes code of text."""
    text = bundle.SOURCE.decode("ascii")
    for forbidden in ("eval(", "new Function", "innerHTML", "document.write"):
        assert forbidden not in text


def test_version_and_integrity() -> None:
    """Version and SRI hash are those of the built files."""
    digest = base64.b64encode(hashlib.sha384(bundle.SOURCE).digest()).decode()
    assert f"sha384-{digest}" == bundle.INTEGRITY
    whole = hashlib.sha256(bundle.SOURCE + bundle.DEBUG_SOURCE).hexdigest()
    assert whole.startswith(bundle.VERSION)


def target(hold_ms: int = 60_000) -> dict[str, object]:
    """A target that is held for ``hold_ms`` after each activity."""
    plan = {"c": "1", "n": "8005550100", "p": ["", "1", "+1"]}
    return {"t": "+18005550100", "f": plan, "pool": "main", "hold": hold_ms}


def settings(**more: object) -> dict[str, object]:
    """An account's settings with one target."""
    return {"a": "acme", "e": "", "k": "", "t": [target()], "q": [], "d": [], "o": {}, **more}


def test_settings_inside() -> None:
    """The settings are the argument of the script's one function; nothing else changes."""
    served = bundle.with_settings(settings())
    head = bundle.SOURCE.removesuffix(b"(null);")
    assert served.startswith(head)
    inside = json.loads(served.removeprefix(head)[1:-2])
    assert inside["a"] == "acme"
    assert inside["v"] == bundle.VERSION
    assert inside["t"][0]["t"] == "+18005550100"
    assert inside["i"] == 30_000


def test_settings_are_escaped() -> None:
    """Settings can end neither a script element nor a string, and stay ASCII."""
    served = bundle.with_settings(settings(e="</script><!--\u2028\u2029&é"))
    inside = served.removeprefix(bundle.SOURCE.removesuffix(b"(null);"))
    assert not {*b"<>&\n"} & {*inside}
    assert inside.isascii()
    assert json.loads(inside[1:-2])["e"] == "</script><!--\u2028\u2029&é"


def test_pinned_settings() -> None:
    """A pinned tag carries the same settings in its data-settings attribute."""
    pinned = json.loads(bundle.pinned_settings(settings()))
    assert pinned["a"] == "acme"
    assert pinned["t"][0]["f"]["n"] == "8005550100"


def test_plans_name_all_writings() -> None:
    """The national digits are the first of a plan's writings; the given settings don't change."""
    other = {**target(), "f": {"c": "54", "n": "91123456789", "p": ["+54"], "w": ["01115", "1115"]}}
    given = settings(t=[target(), other])
    plans = [sent["f"] for sent in json.loads(bundle.pinned_settings(given))["t"]]
    assert [plan["w"] for plan in plans] == [["8005550100"], ["91123456789", "01115", "1115"]]
    assert given == settings(t=[target(), other])


def test_defaults_of_attributes() -> None:
    """An account's defaults stand beside those that every account has, and before them."""
    inside = json.loads(bundle.pinned_settings(settings(o={"timeout": "900", "clickToCall": ""})))
    assert inside["o"] == {**bundle.DEFAULTS, "timeout": "900", "clickToCall": ""}


def test_pings_are_bounded() -> None:
    """A pool that holds numbers for a second doesn't make pages ping twice a second."""
    inside = json.loads(bundle.pinned_settings(settings(t=[target(hold_ms=1000)])))
    assert inside["i"] == bundle.SHORTEST_PING_MS


def test_pings_without_a_hold() -> None:
    """An account whose pools hold no number on activity has an interval, too."""
    inside = json.loads(bundle.pinned_settings(settings(t=[target(hold_ms=0)])))
    assert inside["i"] == bundle.IDLE_PING_MS
