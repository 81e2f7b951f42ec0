"""The Google Tag Manager template: its sections read, its code run in stand-ins of the sandbox."""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.snippet.conformance import browser

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
PATH = ROOT / "snippet" / "packages" / "gtm" / "template.tpl"


@functools.cache
def sections() -> dict[str, str]:
    """The file's sections by their names, in order."""
    parts = re.split(r"^___([A-Z_]+)___\n", PATH.read_text("utf-8"), flags=re.MULTILINE)
    assert parts[0] == ""
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def read(section: str) -> Any:
    """A section that is JSON."""
    return json.loads(sections()[section])


def scenarios() -> tuple[str, list[dict[str, str]]]:
    """The template's own tests: what runs before each, and their names with their code."""
    tests = yaml.safe_load(sections()["TESTS"])
    return tests["setup"], tests["scenarios"]


def fields(listed: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    """The fields that people fill in, those of groups included."""
    flat: list[dict[str, Any]] = []
    for field in read("TEMPLATE_PARAMETERS") if listed is None else listed:
        flat += fields(field["subParams"]) if field["type"] == "GROUP" else [field]
    return flat


def permissions() -> dict[str, Any]:
    """What the template may do: URL patterns, global names and consent types with their rights."""
    found: dict[str, Any] = {}
    for entry in read("WEB_PERMISSIONS"):
        (parameter,) = entry["instance"]["param"]
        found[entry["instance"]["key"]["publicId"]] = _value(parameter["value"])
    for name, first in (("access_globals", "key"), ("access_consent", "consentType")):
        found[name] = {row.pop(first): row for row in found[name]}
    return found


def _value(tagged: dict[str, Any]) -> Any:
    """A value of the permissions' own notation: 1 text, 2 list, 3 map, 8 boolean."""
    match tagged["type"]:
        case 1:
            return tagged["string"]
        case 2:
            return [_value(item) for item in tagged["listItem"]]
        case 3:
            keys = [_value(key) for key in tagged["mapKey"]]
            return dict(zip(keys, map(_value, tagged["mapValue"]), strict=True))
        case 8:
            return tagged["boolean"]
    raise AssertionError(tagged)


def run(**given: Any) -> dict[str, Any]:
    """What ``sandbox.mjs`` tells of a run: ``calls`` and ``error``."""
    if shutil.which("node") is None:
        browser.missing("Node.js isn't installed")
    if not (ROOT / "snippet" / "node_modules" / "acorn").exists():
        browser.missing("npm ci in snippet hasn't been run")
    job = {
        "code": sections()["SANDBOXED_JS_FOR_WEB_TEMPLATE"],
        "permissions": permissions(),
        **given,
    }
    done = subprocess.run(
        ["node", HERE / "sandbox.mjs"],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def injected(data: dict[str, Any]) -> str:
    """The address that the template loads for these fields."""
    told = run(data=data)
    assert told["error"] is None
    (address,) = [given[0] for name, given in told["calls"] if name == "injectScript"]
    return str(address)
