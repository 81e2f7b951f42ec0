"""The YAML reader: plain values out of good text, one located fault out of every trap."""

from __future__ import annotations

import pytest

from ringpool.config.yaml_document import MAX_DEPTH, load
from ringpool.faults import Faults

BOMB = "a0: &a0 [x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 12)
)


def test_values_are_those_of_json() -> None:
    """Text, whole numbers, fractions, booleans, null, lists and mappings come through."""
    text = "{a: [1, 2.5, true, null, x], b: {c: '+18888695345'}}"
    assert load(text) == {"a": [1, 2.5, True, None, "x"], "b": {"c": "+18888695345"}}


def test_an_empty_document_is_none() -> None:
    """Nothing but comments is None and not a fault of its own."""
    assert load("# nothing yet\n") is None


def test_anchors_and_merge_keys_work() -> None:
    """A value written once can be used again, whole or merged."""
    assert load("x: &x {a: 1, b: 1}\ny: {<<: *x, b: 2}\nz: *x")["y"] == {"a": 1, "b": 2}  # type: ignore[index]


def test_dates_stay_text() -> None:
    """What looks like a date is text: no field of ours is one."""
    assert load("a: 2026-13-45") == {"a": "2026-13-45"}


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        ("a: [1\nb: 2", "line 2, column 2", "while parsing a flow sequence"),
        ("a: \x01", "character 4", "control characters"),
        ("a: &x [*x]", "line 1, column 4", "alias inside"),
        (BOMB, "document", "written out"),
        ("a: 1\na: 2", "line 2, column 1", "'a' stands here twice"),
        ("? [a]\n: 1", "line 1, column 3", "key must be text"),
        ("1: 2", "line 1, column 1", "key must be text"),
        ("a: !!python/object:os.system x", "line 1, column 4", "tag"),
        ("a: !!binary x", "line 1, column 4", "tag"),
        ("a: *b", "line 1, column 4", "undefined alias"),
        ("--- 1\n--- 2", "line 2, column 1", "another document"),
        ("a: " + "9" * 5000, "document", "4300 digits"),
        ("a: !!int foo", "document", "'foo'"),
        ("a: \ud800", "document", "surrogates"),
        ("[" * 500_000, f"line 1, column {MAX_DEPTH + 1}", "deeper"),
        ("[" * 1001, f"line 1, column {MAX_DEPTH + 1}", "deeper"),
        ("- " * 100_000, f"line 1, column {2 * MAX_DEPTH + 1}", "deeper"),
        ("? " * 100_000, f"line 1, column {2 * MAX_DEPTH + 1}", "deeper"),
        ("é: [x]\nb: " + "[" * 2000, f"line 2, column {MAX_DEPTH + 3}", "deeper"),
        ('[{"a":' * 100_000, f"line 1, column {6 * MAX_DEPTH // 2 + 1}", "deeper"),
        ("[" * MAX_DEPTH + "}", f"line 1, column {MAX_DEPTH + 1}", "not YAML"),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_a_trap_is_one_located_fault(text: str, field: str, message: str) -> None:
    """Broken, hostile or ambiguous YAML is refused with its place, never with a crash."""
    with pytest.raises(Faults) as raised:
        load(text)
    (fault,) = raised.value.faults
    assert fault.field == field
    assert message in fault.message


@pytest.mark.parametrize(
    "text",
    [
        f"x: &x [{'1, ' * 4000}]\npools:\n" + "- numbers: *x\n" * 4000,
        "x: &x {" + ", ".join(f"k{n}: 1" for n in range(4000)) + "}\ny:\n" + "- <<: *x\n" * 2400,
        "x: &x {a: 1, b: 2, c: 3, d: 4, e: 5}\ny: {<<: [" + "*x, " * 30_000 + "]}",
    ],
    ids=["values", "merged one by one", "merged at once"],
)
def test_aliases_cannot_multiply_the_work(text: str) -> None:
    """A short document can't stand for millions of values, each of which would be checked."""
    with pytest.raises(Faults, match="written out") as raised:
        load(text)
    (fault,) = raised.value.faults
    assert fault.field == "document"


def test_aliases_serve_a_large_file() -> None:
    """Ten thousand pools may share the settings that are written once."""
    shared = ", ".join(f"k{n}: 1" for n in range(20))
    pools = "".join(f"- {{<<: *x, id: p{n}, numbers: ['+1888{n:07d}']}}\n" for n in range(10_000))
    document = load(f"x: &x {{{shared}}}\npools:\n{pools}")
    assert document["pools"][-1]["k19"] == 1  # type: ignore[index]


def test_aliases_cannot_deepen_without_end() -> None:
    """A chain of anchors nests as deep as written out, and is refused as such."""
    chain = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 5000))
    with pytest.raises(Faults, match="deeper"):
        load(chain)
