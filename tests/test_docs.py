"""The README, `docs/`, `ringpool --help` and the code say the same: docs can't lag."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import yaml
from prometheus_client.parser import text_string_to_metric_families

from allocator.answers import State
from api.app import routes
from api.metrics import Metrics
from api.openapi.meanings import TYPES
from ringpool.cli import main
from ringpool.config import codec, config_file
from ringpool.model import Account, Pool, Stock
from ringpool.settings import documented

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
REFERENCE = {path.stem: path.read_text("utf-8") for path in (ROOT / "docs/reference").glob("*.md")}
PAGES = (ROOT / "README.md", ROOT / "snippet" / "README.md", *sorted((ROOT / "docs").rglob("*.md")))


def table(text: str, heading: str) -> list[list[str]]:
    """The cells of the first table after a line that starts so, without its own heading."""
    after = text[f"\n{text}".index(f"\n{heading}") :]
    block = re.search(r"(?:^\|.*\n)+", after, re.MULTILINE)
    assert block is not None
    lines = block[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def code(text: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", text)


def commands(group: click.Group, path: str = "ringpool") -> Iterator[tuple[str, click.Command]]:
    """Every command with its words, groups taken apart."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            if command.invoke_without_command:
                yield f"{path} {name}", command
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def test_settings() -> None:
    """The table is the settings as the code documents them, word for word, in its order."""
    assert table(REFERENCE["settings"], "# Settings") == [
        [f"`{name}`", default, meaning] for name, default, meaning in documented()
    ]


def test_serve_help_names_every_setting() -> None:
    """`ringpool serve --help` lists the same settings."""
    command = main.commands["serve"]
    text = command.get_help(click.Context(command))
    assert all(name in text for name, _, _ in documented())


def test_configuration_keys() -> None:
    """The tables list every key of the file, in its order, with the default that the code has."""
    fields = {"": Pool, "accounts: ": Account, "stocks: ": Stock}
    expected = [
        (f"`{section}{spec.name}`", default(spec))
        for section, kind in fields.items()
        for spec in msgspec.structs.fields(kind)
    ]
    listed = [
        (key, documented_default)
        for key, documented_default, _ in table(REFERENCE["configuration"], "## Pools")
        + table(REFERENCE["configuration"], "## Accounts and stocks")
    ]
    assert [key for key, _ in listed] == [key for key, _ in expected]
    for (key, documented_default), (_, plain) in zip(listed, expected, strict=True):
        if plain is None:
            assert (
                not documented_default.startswith(("`", "required")) or key == "`overflow_number`"
            ), key
        else:
            assert documented_default == plain, key


def default(spec: msgspec.structs.FieldInfo) -> str | None:
    """A field's default as the tables write it; None where they need words."""
    if spec.required:
        return "required"
    if spec.default in ("", (), None, msgspec.UNSET):
        return None
    if isinstance(spec.default, msgspec.Struct):
        given = msgspec.structs.asdict(spec.default)
        plain = {name: value for name, value in given.items() if value is not None}
    else:
        plain = msgspec.to_builtins(spec.default, enc_hook=codec.encode_hook)
    text = yaml.safe_dump(plain, default_flow_style=True)
    return f"`{text.splitlines()[0]}`"


def test_metrics() -> None:
    """The table lists the metrics that /metrics exposes, with their help."""
    text = Metrics().exposition([], store_up=True).decode()
    exposed = {}
    for family in text_string_to_metric_families(text):
        total = "_total" if family.type == "counter" else ""
        exposed[family.name + total] = family.documentation
    # When a count began, which prometheus_client adds.
    exposed = {name: text for name, text in exposed.items() if not name.endswith("_created")}
    listed = {code(name)[0]: meaning for name, meaning in table(REFERENCE["metrics"], "# Metrics")}
    assert listed.keys() == exposed.keys()
    for name, meaning in listed.items():
        assert meaning.lower().startswith(exposed[name].lower()), name


def test_commands() -> None:
    """The table lists the commands that there are, with arguments and options that they take."""
    known = dict(commands(main))
    listed = {}
    for usage, meaning in table(REFERENCE["commands"], "# Commands"):
        words = code(usage)[0].split()
        name = " ".join(word for word in words if word.islower())
        listed[name] = code(meaning)
        arguments = [p for p in known[name].params if isinstance(p, click.Argument)]
        assert len(words) - len(name.split()) == len(arguments), usage
    assert listed.keys() == known.keys()
    for name, mentioned in listed.items():
        options = {option for param in known[name].params for option in param.opts}
        named = {word for text in mentioned for word in text.split() if word.startswith("--")}
        assert named <= options, name


def test_paths() -> None:
    """The table lists the paths that are routed."""
    listed = [path for _, paths, _ in table(REFERENCE["http"], "# HTTP") for path in code(paths)]
    assert sorted(listed) == sorted(route.path for route in routes())


def test_states() -> None:
    """The table lists the states of an answer."""
    assert [code(row[0])[0] for row in table(README, "All of it is one atomic script")] == list(
        State
    )


def test_reasons() -> None:
    """The reasons that /openapi.json names."""
    listed = [
        reason
        for reasons, _ in table(REFERENCE["http"], "## Why a page keeps its own number")
        for reason in code(reasons)
    ]
    assert sorted(listed) == sorted(code(TYPES["NoSwap"][1]["reason"]))


def test_error_classes() -> None:
    """The table lists the error classes that the code answers, each with its statuses."""
    listed: dict[str, set[str]] = {}
    for statuses, names, _ in table(REFERENCE["http"], "## Errors"):
        for name in code(names):
            listed.setdefault(name, set()).update(statuses.split(", "))
    used = set(refusals())
    for status, kind in used:
        fitting = [name for name in listed if re.fullmatch(kind, name)]
        assert fitting, f"docs/reference/http.md doesn't list {kind}"
        assert any(status in ("", *listed[name]) for name in fitting), (status, kind)
    for name in listed:
        assert any(re.fullmatch(kind, name) for _, kind in used), f"nobody answers {name}"


def refusals() -> Iterator[tuple[str, str]]:
    """Status and class (as a pattern) of every Refusal in api/; "" for a computed status."""
    for path in (ROOT / "api").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Refusal":
                status, kind = node.args[:2]
                known = str(status.value) if isinstance(status, ast.Constant) else ""
                yield known, pattern(kind)


def pattern(text: ast.expr) -> str:
    """A literal as it is; an f-string with anything in place of its fields."""
    if isinstance(text, ast.Constant):
        return re.escape(str(text.value))
    assert isinstance(text, ast.JoinedStr)
    return "".join(
        re.escape(str(part.value)) if isinstance(part, ast.Constant) else r"\w+"
        for part in text.values
    )


def test_configuration_examples() -> None:
    """The configurations shown are such that `apply` takes them."""
    example, rule, chain = re.findall(r"```yaml\n(.*?)```", REFERENCE["configuration"], re.DOTALL)
    plain = yaml.safe_load(example)
    read = config_file.read(example)
    assert [pool.id for pool in read.pools] == [plain["pools"][0]["id"]]
    plain["pools"][0] |= yaml.safe_load(rule)
    (pool,) = config_file.read(yaml.safe_dump(plain)).pools
    assert pool.when is not None
    assert len(pool.when) == 4
    pools = [{"account": "newspress", **each} for each in yaml.safe_load(chain)]
    config_file.read(yaml.safe_dump({"accounts": plain["accounts"], "pools": pools}))


def test_links_lead_somewhere() -> None:
    """Relative links lead to files of the repository, and to headings that they have."""
    for page in PAGES:
        for target in re.findall(r"\]\(((?!https?:)[^)]+)\)", page.read_text("utf-8")):
            name, _, heading = target.partition("#")
            file = page.parent / name if name else page
            assert file.is_file(), (page, target)
            if not heading:
                continue
            headings = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", text).lower().replace(" ", "-") for text in headings}
            assert heading in anchors, (page, target)


def test_every_page_is_linked() -> None:
    """A newcomer gets from the README to every page under docs/."""
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop().resolve()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            links = re.findall(r"\]\(((?!https?:)[^)#]+)", page.read_text("utf-8"))
            waiting += [page.parent / link for link in links]
    assert {path.resolve() for path in PAGES} <= reached


def test_the_front_page_is_one() -> None:
    """The README is read in a few minutes, and the picture is small enough for a clone."""
    assert len(README.splitlines()) < 100
    assert (ROOT / "docs" / "demo.png").stat().st_size < 200_000
