"""The API's description, and that it is true."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from api.app import routes
from api.openapi.document import description
from tests.api.conftest import ADMIN
from tests.api.service import service

# A document can fit its schema and still be refused for what it means (a number that no numbering
# plan has, an account that isn't there): 422, and 400 for the same in a query.
_CONFIGURATION = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "400", "401", "403", "404", "409", "422"]
[checks.use_after_free]
enabled = false  # removing a number from a pool doesn't remove the pool's list of numbers
"""


def test_every_path_is_described() -> None:
    """A route without a description, or a description without a route, is forgotten work."""
    served = {route.path for route in routes()}
    number_api = "/api/v1/ring_pools/{pool}/allocate_number.{form}"
    described = {
        number_api if "allocate_number" in path else path for path in description()["paths"]
    }
    assert served == described


@pytest.mark.timeout(600)  # thousands of requests, on a machine that may be busy
@pytest.mark.parametrize("token", ["", ADMIN])
def test_schemathesis_finds_nothing(tmp_path: Path, token: str) -> None:
    """Generated requests, good and bad, get the statuses, types and bodies that are described."""
    program = shutil.which("schemathesis", path=sysconfig.get_path("scripts"))
    assert program is not None
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(_CONFIGURATION)
    header = ["--header", f"Authorization: Bearer {token}"] if token else []
    with service(tmp_path, "--demo") as running:
        command = [program, "--config-file", str(configuration), "run", *header]
        command += [f"{running.url}/openapi.json", "--max-examples", "5", "--no-color"]
        command += ["--phases", "examples,coverage,fuzzing", "--continue-on-failure"]
        command += ["--generation-deterministic"]  # the same requests every time
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout[done.stdout.find(" FAILURES ") :][:8000]
