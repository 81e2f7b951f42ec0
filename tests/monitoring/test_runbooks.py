"""Every alert has its page, every page its alert, and what a page tells to type exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.app import routes
from api.metrics import Metrics
from ringpool.cli import main
from tests.monitoring.rules import ROOT, alerts, groups
from tests.test_docs import commands

FOLDER = ROOT / "k8s" / "runbooks"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
SECTIONS = ("**What it means.**", "## See", "## Do", "## It is over")


def blocks(text: str, language: str) -> Iterator[str]:
    """The code blocks of a language, indented ones too."""
    yield from re.findall(rf"^ *```{language}\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)


def exposed() -> set[str]:
    """The names of all metrics and of their samples, and the recording rules'."""
    metrics = Metrics()
    metrics.observe("swap", 200, 0.001)
    text = metrics.exposition([], store_up=True).decode()
    known = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    for family in text_string_to_metric_families(text):
        known |= {sample.name for sample in family.samples}
        known |= {f"{family.name}_{end}" for end in ("total", "bucket", "sum", "count")}
    return known | {
        rule["record"] for group in groups() for rule in group["rules"] if "record" in rule
    }


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    """The alert links it by its name, and the list has both."""
    assert {page.stem for page in PAGES} == alerts().keys()
    listed = re.findall(
        r"^\| \[(\w+)\]\(\1\.md\) \| (yes|no) \|", (FOLDER / "README.md").read_text(), re.M
    )
    pages = {
        name: "yes" if rule["labels"]["severity"] == "critical" else "no"
        for name, rule in alerts().items()
    }
    assert dict(listed) == pages
    for name, rule in alerts().items():
        assert rule["annotations"]["runbook_url"].endswith(f"/{name}.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_what_to_do(page: Path) -> None:
    """What it means, how to see it, what to do, when it is over; what it names exists."""
    text = page.read_text("utf-8")
    assert text.startswith(f"# {page.stem}\n")
    assert [text.count(section) for section in SECTIONS] == [1] * len(SECTIONS)
    known = dict(commands(main))
    for block in blocks(text, "sh"):
        for line in block.splitlines():
            check_command(shlex.split(line), known)
    names = exposed()
    for block in blocks(text, "promql"):
        for name in re.findall(r"[a-z_:]*ringpool_[\w:]+", block):
            assert name in names, name
    for name in re.findall(r"`(ringpool_\w+)", text):
        assert name in names, name


def check_command(words: list[str], known: dict[str, click.Command]) -> None:
    """A command of ours with options that it has, a path that is served, or Kubernetes' own."""
    if "--" in words:
        words = words[words.index("--") + 1 :]
    match words[0]:
        case "ringpool":
            name = max(
                (name for name in known if words[: len(name.split())] == name.split()), key=len
            )
            options = {option for param in known[name].params for option in param.opts}
            assert {word for word in words if word.startswith("--")} <= options, words
        case "curl":
            paths = {route.path for route in routes()}
            assert any(words[-1] == f"http://127.0.0.1:8000{path}" for path in paths), words
        case program:
            assert program in ("kubectl", "valkey-cli", "df"), words
