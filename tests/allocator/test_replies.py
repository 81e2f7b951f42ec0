"""The structs of replies say what the Lua files say."""

from __future__ import annotations

import re
from enum import IntEnum
from importlib.resources import files
from pathlib import Path

import pytest

from allocator.answers import Rules, State
from allocator.replies import (
    AllocationCode,
    CallCode,
    EditCode,
    ForgetCode,
    HolderReply,
    LeaseCode,
    ReceiveCode,
    StoredRules,
)

LUA = Path(str(files("allocator") / "lua"))
OPERATIONS = sorted(
    file.relative_to(LUA) for file in LUA.rglob("*.lua") if file.parent.name != "include"
)


def constants(name: str) -> dict[str, int]:
    """The whole numbers that a Lua file gives names."""
    found: dict[str, int] = {}
    declarations = re.findall(
        r"^local ([A-Z_, ]+) =\s+([\d, ]+)$", (LUA / f"{name}.lua").read_text("utf-8"), re.M
    )
    for names, values in declarations:
        found |= zip(names.split(", "), map(int, values.split(", ")), strict=True)
    return found


@pytest.mark.parametrize(
    ("script", "codes"),
    [
        ("pool/allocate", AllocationCode),
        ("pool/edit", EditCode),
        ("pool/forget", ForgetCode),
        ("pool/call", CallCode),
        ("stock/receive", ReceiveCode),
        ("lease", LeaseCode),
    ],
)
def test_codes_are_the_scripts(script: str, codes: type[IntEnum]) -> None:
    """Every code that a script gives a name has the same one here."""
    named = {
        name.removesuffix("_GIVEN"): value
        for name, value in constants(script).items()
        if name.removesuffix("_GIVEN") in codes.__members__
    }
    assert named == {code.name: code.value for code in codes}


def test_the_codes_of_an_allocation_are_the_states() -> None:
    """A code from 1 to 5 is the state of that place; the one after them is none, too."""
    names = [code.name for code in AllocationCode]
    assert names == ["COULD_GROW", *(state.name for state in State), "OVER_BUDGET"]


def test_rules_are_stored_where_the_scripts_look() -> None:
    """The positions that ``include/pool_state.lua`` names, in the order of the struct."""
    positions = {
        "REVISION": "revision",
        "POOL_ID": "pool_id",
        "MIN_DURATION": "min_duration",
        "HOLD": "hold_on_activity",
        "RULE": "recycle",
        "CALL_WEIGHT": "call_weight",
        "CLICK_WEIGHT": "click_weight",
        "MAX_SIZE": "max_size",
        "STOCK": "stock",
        "OVERFLOW_NUMBER": "overflow_number",
        "ALLOW_OVERFLOW": "allow_overflow",
        "HISTORY_BYTES": "history_bytes",
        "AREAS": "areas",
        "SHARE": "budget_share",
        "LEAST": "budget_least",
        "RATE": "budget_rate",
        "KEY_RATE": "key_rate",
        "OWNER": "owner",
        "HISTORY_MOST": "history_most",
    }
    known = constants("include/pool_state")
    fields = StoredRules.__struct_fields__
    assert {name: fields[known[name] - 1] for name in positions} == positions
    assert set(fields) - {"revision", "pool_id"} == set(Rules.__struct_fields__)


def test_holders_are_read_where_the_scripts_look() -> None:
    """The positions that ``include/history.lua`` searches."""
    known = constants("include/history")
    fields = HolderReply.__struct_fields__
    assert {name: fields[place - 1] for name, place in known.items()} == {
        "ENTRY_SINCE": "since",
        "ENTRY_UNTIL": "until",
        "ENTRY_CALLS": "calls",
    }


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_every_script_says_what_it_takes_and_replies(operation: Path) -> None:
    """Its header has the purpose, the KEYS, each ARGV that it reads, and the reply."""
    text = (LUA / operation).read_text("utf-8")
    header, _, body = text.partition("\n--@include")
    assert re.search(r"^-- [A-Z].+", header, re.M)
    assert re.search(r"^-- KEYS   ", header, re.M)
    assert re.search(r"^-- Reply  ", header, re.M)
    described = {int(place) for place in re.findall(r"^-- (?:ARGV  |      ) (\d+)", header, re.M)}
    assert {int(place) for place in re.findall(r"ARGV\[(\d+)\]", body)} <= described
