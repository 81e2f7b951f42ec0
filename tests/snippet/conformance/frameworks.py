"""Builds the React and the Vue page with esbuild, from packages that ``npm ci`` installed."""

from __future__ import annotations

import functools
import shutil
import subprocess
from pathlib import Path

from tests.snippet.conformance import browser

_HERE = Path(__file__).parents[1]
_SOURCES = {"react": "react.jsx", "vue": "vue.js"}
_ESBUILD = _HERE / "node_modules" / ".bin" / "esbuild"


@functools.cache
def built(framework: str) -> str:
    """The script of ``react`` or ``vue``, framework included, as it is shipped to visitors."""
    if shutil.which("node") is None:
        browser.missing("Node.js isn't installed")
    if not _ESBUILD.exists():
        browser.missing("npm ci in tests/snippet hasn't been run")
    source = _HERE / "frameworks" / _SOURCES[framework]
    command = [
        *(str(_ESBUILD), str(source), "--bundle", "--minify", "--jsx=automatic"),
        *('--define:process.env.NODE_ENV="production"', "--define:__VUE_OPTIONS_API__=true"),
        *("--define:__VUE_PROD_DEVTOOLS__=false", "--charset=ascii"),
        "--define:__VUE_PROD_HYDRATION_MISMATCH_DETAILS__=false",
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
