"""The API's description, and that it is true."""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from msgspec import Struct
from starlette.routing import Route

from api.app import routes
from api.demo_pages.routes import demo_routes
from api.http.description import Operation, content, parameter
from api.http.endpoint import Endpoint, problem_form
from api.http.replies import Reply, empty
from api.http.request import Request
from api.openapi.document import openapi_document
from api.openapi.meanings import SHARED, TYPES
from tests.api.conftest import ADMIN, KEY
from tests.api.openapi.configuration import SERVER_KEY, configure
from tests.api.openapi.document import DOCUMENT, OPERATIONS, check_schema
from tests.api.service import service

# A document can fit its schema and still be refused for what it means (a number that no numbering
# plan has, an account that isn't there): 422, and 400 for the same in a query. A version that an
# example names isn't the present one (412), nor does every generated request name one (428).
_CONFIGURATION = f"""
[auth.openapi.RingPoolKey]
api_key = "{KEY}"
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "400", "401", "403", "404", "409", "412", "422", "428"]
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "412", "415", "422", "428"]
[[operations]]
include-path-regex = "/bulk[.]json$"
[operations.checks.negative_data_rejection]
enabled = false  # a row that is wrong is refused in its place, not the whole list
[[operations]]
include-path-regex = "/allocate_number"
[operations.checks.negative_data_rejection]
enabled = false  # a parameter that nobody knows is named in the answer, not refused
[checks.use_after_free]
enabled = false  # removing a number from a pool doesn't remove the pool's list of numbers
"""


# What anyone may ask. That the others refuse whoever has no key, each key's run checks of each of
# them, and tests/api/openapi/test_examples.py compares it with its example.
_OPEN = "|".join(
    re.escape(path)
    for path, operations in DOCUMENT["paths"].items()
    if any("security" not in operation for operation in operations.values())
)


def test_every_path_is_described() -> None:
    """A route without a description, or a description without a route, is forgotten work."""
    served = {route.path for route in routes()}
    described = {
        re.sub(r"allocate_number\.\w+$", "allocate_number.{form}", path)
        if "/ring_pools/" in path
        else re.sub(r"^/v1/reports/\w+$", "/v1/reports/{by}", path)
        for path in openapi_document(routes())["paths"]
    }
    assert served == described


async def test_what_is_served_is_the_document_of_the_apps_routes(client: httpx.AsyncClient) -> None:
    """The demo's pages, which declare no operation, would not be in it."""
    served = await client.get("/openapi.json")
    assert served.content == msgspec.json.encode(openapi_document(routes()))
    assert not openapi_document(demo_routes())["paths"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_tells_what_it_takes_and_gives(name: str) -> None:
    """A known tag; for each parameter, body and answer a description and an example that fits."""
    operation = OPERATIONS[name].operation
    (tag,) = operation["tags"]
    assert tag in {known["name"] for known in DOCUMENT["tags"]}
    assert operation["summary"].rstrip(".") == operation["summary"]
    assert operation["description"].endswith(".")
    for each in operation.get("parameters", ()):
        assert each["description"], each["name"]
        check_schema(each["schema"], each["example"])
    bodies = [operation["requestBody"]] if "requestBody" in operation else []
    for answer in operation["responses"].values():
        assert answer["description"]
        bodies.append(answer)
    for body in bodies:
        for media in body.get("content", {}).values():
            check_schema(media["schema"], media["example"])


def test_every_object_of_the_document_has_a_name() -> None:
    """A generated client has classes with names that were given, not made of paths and statuses."""

    def walk(value: Any, where: str) -> Iterator[str]:
        if isinstance(value, dict):
            if value.get("type") == "object" and "properties" in value:
                yield where
            for name, item in value.items():
                yield from walk(item, f"{where}/{name}")
        elif isinstance(value, list):
            for item in value:
                yield from walk(item, where)

    assert list(walk(DOCUMENT["paths"], "")) == []


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_every_type_and_field_says_what_it_means(name: str) -> None:
    """In words of the API: none of Python's names, none of the code's modules."""
    schema = DOCUMENT["components"]["schemas"][name]
    texts = [schema.get("description", "")]
    for field, described in schema.get("properties", {}).items():
        assert described.get("description"), f"{name}.{field}: add it to api/openapi/meanings.py"
        texts.append(described["description"])
    for text in texts:
        assert text.endswith((".", "…")), text
        assert "``" not in text, text


def test_no_meaning_is_of_what_is_no_more() -> None:
    """A type or field that was renamed has its meaning under the old name."""
    schemas = DOCUMENT["components"]["schemas"]
    fields = {name: schema.get("properties", {}) for name, schema in schemas.items()}
    for name, (_, meanings) in TYPES.items():
        assert meanings.keys() <= fields[name].keys()
    assert SHARED.keys() <= {field for each in fields.values() for field in each}


def test_no_pattern_matches_before_a_newline_at_the_end() -> None:
    """``$`` alone would: requests made from the document would be refused, or worse, taken."""

    def walk(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(value.get("pattern"), str) and "properties" not in value:
                yield value["pattern"]
            for item in value.values():
                yield from walk(item)
        elif isinstance(value, list):
            for item in value:
                yield from walk(item)

    patterns = set(walk(DOCUMENT))
    assert len(patterns) > 5
    for pattern in patterns:
        assert pattern.startswith("^(?:"), pattern
        assert pattern.endswith(r")(?!\n)$"), pattern


class Row(Struct):
    """A type of one test."""

    at: int


def route(path: str, *operations: Operation) -> Route:
    async def handler(_request: Request) -> Reply:
        return empty()

    return Route(path, Endpoint("test", problem_form, {"GET": handler}, operations))


def test_types_become_schemas() -> None:
    """A struct is referred to, wherever it stands; another type is written out where it stands."""
    rows = content({"type": "array", "items": Row})
    read = Operation(
        "GET",
        "read",
        "Read",
        {200: rows},
        (404,),
        [parameter("id", int, "path", text="Its number", example=1)],
    )
    document = openapi_document([route("/rows/{id}.{form}", read._replace(fixed={"form": "json"}))])
    (described,) = document["paths"]["/rows/{id}.json"].values()
    reference = {"$ref": "#/components/schemas/Row"}
    answered = described["responses"]["200"]["content"]["application/json"]
    assert answered == {"schema": {"type": "array", "items": reference}}
    assert sorted(described["responses"]) == ["200", "404", "503"]
    assert described["parameters"][0]["schema"] == {"type": "integer", "description": "Its number"}
    assert document["components"]["schemas"]["Row"]["required"] == ["at"]


def test_two_types_of_one_name_are_refused() -> None:
    """One would hide the other's schema."""
    other = msgspec.defstruct("Row", ["by"])
    both = [
        route(path, Operation("GET", path, "Read", {200: kind}))
        for path, kind in (("/rows", Row), ("/others", other))
    ]
    with pytest.raises(ValueError, match="two types of the API are called Row"):
        openapi_document(both)


@pytest.mark.timeout(600)  # thousands of requests, on a machine that may be busy
@pytest.mark.parametrize(
    ("token", "paths"),
    [("", f"^({_OPEN})$"), (ADMIN, "^/(admin|api|metrics)"), (SERVER_KEY, "^/v1")],
    ids=["anyone", "administrator", "server"],
)
def test_schemathesis_finds_nothing(tmp_path: Path, token: str, paths: str) -> None:
    """Generated requests, good and bad, get the statuses, types and bodies that are described.

    Without a token what is open to all, the rest as the administrator and as a server; of the
    examples' service.
    """
    program = shutil.which("schemathesis", path=sysconfig.get_path("scripts"))
    assert program is not None
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(_CONFIGURATION)
    header = ["--header", f"Authorization: Bearer {token}"] if token else []
    with service(tmp_path) as running:
        configure(running.client)
        command = [program, "--config-file", str(configuration), "run", *header]
        command += [f"{running.url}/openapi.json", "--max-examples", "5", "--no-color"]
        command += [
            "--include-path-regex",
            paths,
            "--phases",
            "examples,coverage,fuzzing",
            "--continue-on-failure",
        ]
        command += ["--generation-deterministic"]  # the same requests every time
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout[done.stdout.find(" FAILURES ") :][:8000]
