"""The four guides of docs/: every `sh` block is run as it is written, on a fresh service.

The blocks of a page run in their order, in one shell and one fresh folder. The block that starts
the service is run by ``serving``, on a free port in place of 8000. A `text` block is the
end of what the block before it prints, `…` standing for anything. A `console` block isn't run.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.async_api import async_playwright, expect

from tests.servers.service import RINGPOOL, Service, environment, serving
from tests.snippet.engines import chromium
from tests.snippet.engines.available import required

pytestmark = pytest.mark.timeout(300)

ROOT = Path(__file__).parent.parent
GUIDES = ("website-owners", "media-buyers", "ad-servers", "operators")
STARTS = {"make run": ("--demo",), "ringpool serve --workers 2": ("--workers", "2")}
"""How a guide starts the service, and what that is for `ringpool serve`."""
LAST_LINES = {"make run": "Number API", "ringpool serve --workers 2": "listens on"}
INSTALLS = "make install"


class Block(NamedTuple):
    """A command block and what it prints, "" when the page doesn't say."""

    commands: str
    output: str


def blocks(guide: str) -> Iterator[Block]:
    """The command blocks of a guide in their order."""
    text = (ROOT / "docs" / f"{guide}.md").read_text("utf-8")
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert {kind for kind, _ in found} <= {"sh", "text", "console"}
    for index, (kind, content) in enumerate(found):
        if kind == "sh":
            following = found[index + 1] if index + 1 < len(found) else ("", "")
            yield Block(content, following[1] if following[0] == "text" else "")


def pattern(output: str) -> re.Pattern[str]:
    """What a `text` block matches: a … anything, blanks any blanks."""
    parts = (r"\s+".join(map(re.escape, part.split())) for part in output.split("…"))
    return re.compile(r"\s*" + r"\s*[\s\S]*?\s*".join(parts) + r"\s*")


def run(service: Service, folder: Path, steps: list[Block]) -> list[str]:
    """Run blocks in one shell; what each printed. A command that fails ends it."""
    mark = "=== next block"
    script = "".join(f"{step.commands}\necho '{mark}'\n" for step in steps)
    port = service.url.rpartition(":")[2]
    result = subprocess.run(
        ["bash", "-euo", "pipefail"],
        cwd=folder,
        env={**environment(), "RINGPOOL_PUBLIC_URL": service.url},
        input=script.replace("127.0.0.1:8000", f"127.0.0.1:{port}"),
        text=True,
        capture_output=True,
        timeout=200,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    printed = result.stdout.replace(f"127.0.0.1:{port}", "127.0.0.1:8000")
    return printed.split(f"{mark}\n")[:-1]


@pytest.mark.parametrize("guide", GUIDES)
def test_commands_do_what_the_page_says(guide: str, tmp_path: Path) -> None:
    """Each command works as it is written, and prints what the page shows."""
    (tmp_path / ".venv").symlink_to(Path(sys.prefix))
    steps = list(blocks(guide))
    start = next(name for step in steps for name in STARTS if name in step.commands.splitlines())
    with serving(tmp_path, *STARTS[start], last_line=LAST_LINES[start]) as service:
        ours = [
            step
            for step in steps
            if start not in step.commands.splitlines() and step.commands.strip() != INSTALLS
        ]
        assert len(ours) >= 3
        for step, printed in zip(ours, run(service, tmp_path, ours), strict=True):
            if step.output:
                shown = pattern(f"…{step.output}").fullmatch(printed)
                assert shown, f"{step.commands}\nprinted\n{printed}"


async def test_the_owner_sees_the_number_swapped(tmp_path: Path) -> None:
    """The page of the owner's guide, opened as a file, shows a number of the pool."""
    required(chromium.NAME)
    (tmp_path / ".venv").symlink_to(Path(sys.prefix))
    steps = [step for step in blocks("website-owners") if "cat >" in step.commands]
    with serving(tmp_path, "--demo", last_line="Number API") as service:
        run(service, tmp_path, steps)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(**chromium.options())
            tab = await browser.new_page()
            link = tab.locator("a")
            await tab.goto((tmp_path / "page.html").as_uri() + "?utm_source=guide")
            await expect(link).to_have_text(re.compile(r"\(888\) 555-015[12]"), timeout=60_000)
            await expect(link).to_have_attribute("href", re.compile(r"tel:\+1888555015[12]"))
            await expect(tab.locator("[data-rp-noswap]")).to_have_text("Fax (800) 555-0100")
            await browser.close()


def test_the_readme_leads_to_each_guide() -> None:
    """Each of the four kinds of people has a door on the front page, and the manual is first."""
    readme = (ROOT / "README.md").read_text("utf-8")
    doors = [readme.index(f"(docs/{guide}.md)") for guide in GUIDES]
    assert doors == sorted(doors)
    manual = "(../snippet/README.md)"
    assert manual in (ROOT / "docs" / "website-owners.md").read_text("utf-8").partition("## ")[0]


def test_the_command_is_the_one_of_the_tests() -> None:
    """The symbolic link .venv leads to the environment whose ringpool the tests run."""
    assert RINGPOOL.parent == Path(sys.prefix) / "bin"
