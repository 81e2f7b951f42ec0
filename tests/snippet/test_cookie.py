"""The cookie that the script keeps its visits in."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

import snippet
from tests.servers.programs import program

_RUN = """
const writes = [];
globalThis.SETTINGS = { a: "acme", q: [], o: { days: "30", cookies: "" }, t: [], d: [] };
globalThis.location = { href: URL_, protocol: URL_.split("/")[0], host: "x", search: "" };
globalThis.document = {
  referrer: "",
  currentScript: { src: "https://dni.example/dni.js", dataset: {} },
  get cookie() { return ""; },
  set cookie(text) { writes.push(text); },
};
Object.defineProperty(globalThis, "navigator", { value: {} });
globalThis.window = globalThis;
const { updateTouches } = await import(MODULE);
updateTouches();
console.log(JSON.stringify(writes));
"""


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_it_stays_on_the_site_and_on_https(scheme: str) -> None:
    """Other sites' requests don't carry it, nor does one in the clear where a page is on https."""
    module = Path(snippet.__file__).with_name("src") / "visit" / "touches.js"
    code = f"const URL_ = '{scheme}://shop.example/', MODULE = {json.dumps(module.as_uri())};{_RUN}"
    ran = subprocess.run(
        [program("node"), "--input-type=module", "-e", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    (written,) = json.loads(ran.stdout)
    name, *attributes = written.split(";")
    assert name.startswith("rp_acme=")
    secure = {"secure"} if scheme == "https" else set()
    assert set(attributes) == {"path=/", "samesite=lax", "max-age=2592000"} | secure
