"""A client generated from /openapi.json, against the running service."""

from __future__ import annotations

import importlib
import importlib.util
import json
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import httpx
import pytest

from tests.api.conftest import ADMIN, KEY
from tests.api.service import Service, service
from tests.servers.programs import program

pytestmark = pytest.mark.timeout(300)

# XML is text to this generator, once it is told so. Its layout isn't looked at here.
_CONFIGURATION = {
    "package_name_override": "generated_ringpool",
    "content_type_overrides": {"application/xml": "text/plain"},
    "post_hooks": [],
}
SERVER_KEY = "the-accounts-server-key-0123456789"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("service")) as started:
        yield started


@pytest.fixture(scope="module")
def client(running: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The generated package, imported. A warning of the generator is a failure."""
    generator = program("openapi-python-client", beside=sysconfig.get_path("scripts"))
    folder = tmp_path_factory.mktemp("client")
    (folder / "configuration.json").write_text(json.dumps(_CONFIGURATION))
    (folder / "openapi.json").write_bytes(running.client.get("/openapi.json").content)
    done = subprocess.run(
        [
            *(generator, "generate", "--path", "openapi.json", "--meta", "none"),
            *("--config", "configuration.json", "--output-path", "generated_ringpool"),
            "--fail-on-warning",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module("generated_ringpool")
    finally:
        sys.path.remove(str(folder))


def test_it_says_what_things_are(client: ModuleType) -> None:
    """Operations, parameters, classes and fields have the document's words in their docstrings."""
    swap = importlib.import_module(f"{client.__name__}.api.pages.swap").sync.__doc__
    assert "shows its visitor" in swap
    assert "for each printed number to replace" in swap
    assert "url_query (str | Unset): The page's URL, with its query" in swap
    shown = importlib.import_module(f"{client.__name__}.models").Swap.__doc__
    assert "The number to show in the place of a printed one." in shown
    assert "cc (str): The country's code alone." in shown


def test_it_reads_like_a_written_one(running: Service, client: ModuleType) -> None:
    """A manager makes an account and a pool; an ad server, a server and a carrier use them."""

    name = client.__name__
    models = importlib.import_module(f"{name}.models")

    def operation(tag: str, function: str) -> ModuleType:
        return importlib.import_module(f"{name}.api.{tag}.{function}")

    def connected(token: str) -> Any:
        return client.AuthenticatedClient(running.url, token, timeout=httpx.Timeout(60))

    with (
        connected(ADMIN) as manager,
        connected(KEY) as ad_server,
        connected(SERVER_KEY) as server,
    ):
        account = models.PutAccount(name="The Newspress", api_keys=[SERVER_KEY])
        made = operation("accounts", "put_account").sync("newspress", client=manager, body=account)
        assert (made.id, made.name) == ("newspress", "The Newspress")
        pool = models.PutPool(
            account="newspress",
            key=KEY,
            parameters=["website", "location"],
            numbers=["+12125550101", "+12125550102"],
            overflow_number="+12125550190",
            landing_url="https://www.newspress.example/subscribe",
            swap_targets=["+18005550100"],
            require=models.Require.ANY,
        )
        made = operation("pools", "put_pool").sync("ad-placement", client=manager, body=pool)
        assert made.min_duration == "10m"

        # An ad server
        allocate = operation("ad_servers", "allocate_number_json")
        parameters = models.AllocateNumberJsonParameters.from_dict({"website": "one", "pid": "7"})
        allocated = allocate.sync("ad-placement", client=ad_server, parameters=parameters)
        assert (allocated.state, allocated.ignored) == (models.State.NEW, ["pid"])
        refused = allocate.sync_detailed("ad-placement", client=ad_server)
        assert refused.status_code == 400
        assert refused.parsed.startswith("MissingParameter: website, location: ")
        rows = [
            models.BulkRow("ad-placement/allocate_number.json?website=one", request_id="r1"),
            models.BulkRow("ad-placement/allocate_number.json", request_id="r2"),
        ]
        answers = operation("ad_servers", "bulk").sync(
            client=ad_server, body=models.BulkRequest(requests=rows)
        )
        held, wrong = answers.responses
        assert (held.state, held.number, held.request_id) == ("held", allocated.number, "r1")
        assert (wrong.error_class, wrong.request_id) == ("MissingParameter", "r2")
        xml = operation("ad_servers", "allocate_number_xml").sync(
            "ad-placement", client=ad_server, param1="one"
        )
        assert f"<Number>{allocated.number}</Number>" in xml

        # A server that renders pages
        shown = operation("pages", "swap").sync(
            client=server,
            url_query="https://www.newspress.example/subscribe?website=one",
            targets="+18005550100:e164",
            address="192.0.2.7",
        )
        (entry,) = shown.swaps
        assert (entry.number, entry.display) == (allocated.number, allocated.number)

        # A call, and what a manager sees of it
        report = models.CallReport(id="call-1", number=allocated.number)
        credit = operation("calls", "record_call").sync(client=manager, body=report)
        assert (credit.counted, credit.pool) == (True, "ad-placement")
        lookup = operation("numbers", "get_number").sync(allocated.number, client=manager)
        assert lookup.holder.calls == 1
        missing = operation("pools", "get_pool").sync("nowhere", client=manager)
        assert (missing.status, missing.class_) == (404, "UnknownPool")
