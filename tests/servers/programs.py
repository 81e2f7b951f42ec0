"""Programs of the machine that some tests run."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest

from tests.servers.process import NotInstalled


def program(name: str, beside: str = "") -> str:
    """The path of a program, in a folder or elsewhere.

    Without it the test is skipped, where CI is set it fails.
    """
    folders = [beside, os.environ.get("PATH", ""), "/usr/sbin"]
    found = shutil.which(name, path=os.pathsep.join(filter(None, folders)))
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"{name} isn't installed")
        pytest.skip(f"{name} isn't installed")
    return found


def missing(what: NotInstalled) -> NoReturn:
    """Skip a test for want of a tool; where CI is set, fail it."""
    if os.environ.get("CI"):
        pytest.fail(str(what))
    pytest.skip(str(what))
