"""What is told of a call, checked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ringpool.calls.events import (
    CallReport,
    caller_number,
    checked,
    decode_document,
    document_of,
    encode_document,
)
from ringpool.faults import Faults

NOW = 1_764_000_000_000


def report(**more: Any) -> CallReport:
    return CallReport(**{"id": "1", "number": "(888) 555-0101", **more})


def faults(**more: Any) -> list[str]:
    with pytest.raises(Faults) as wrong:
        checked(report(**more), NOW)
    return [fault.field for fault in wrong.value.faults]


def test_every_field_that_is_wrong_is_named() -> None:
    """Each once, all at once."""
    old = datetime(1960, 1, 1, tzinfo=UTC)
    assert faults() == ["number"]  # without its country
    assert faults(started_at=old, amount="1,5") == ["started_at", "number", "amount"]
    assert faults(number="+18885550101", event="outcome") == ["outcome"]
    assert faults(number="+18885550101", quantity_list=(1, 2), sku_list=("a",)) == ["quantity_list"]


@pytest.mark.parametrize(
    ("amount", "text"),
    [("49.90", "49.90"), (49.9, "49.9"), (50, "50"), ("-3", "-3"), (None, ""), ("", "")],
)
def test_amounts_are_decimals(amount: str | float | None, text: str) -> None:
    """As they are written; what a float would make of them isn't taken."""
    assert checked(report(number="+18885550101", amount=amount), NOW).amount == text


@pytest.mark.parametrize("amount", ["1e3", 1e22, "NaN", "12 EUR", "1" * 16, "1.1234567"])
def test_what_is_no_amount_is_refused(amount: str | float) -> None:
    """Exponents and units too."""
    assert faults(number="+18885550101", amount=amount) == ["amount"]


def test_when_a_call_began() -> None:
    """As far as one event tells it; what is to come is now."""
    at = datetime.fromtimestamp(NOW / 1000 - 100, UTC)
    number = "+18885550101"

    def began(**more: Any) -> int:
        return (checked(report(number=number, **more), NOW).start - NOW) // 1000

    assert began() == 0
    assert began(started_at=at) == began(at=at) == -100 + 0
    assert began(event="ended", at=at, duration_seconds=60) == -160
    assert began(event="ended", duration_seconds=60, started_at=at) == -100
    assert began(event="answered") == 0
    assert began(at=datetime(2300, 1, 1, tzinfo=UTC)) == 0


def test_a_caller_is_kept_only_where_the_account_says_so() -> None:
    """Else its hash alone is in the document; who hides his number has neither."""
    event = checked(report(number="+18885550101", caller="+1 212-555-0177"), NOW)
    assert event.caller == "+12125550177"
    for kept in (False, True):
        document = document_of(event, "a", caller_hash="h", with_caller=kept)
        text = encode_document(document)
        assert (b"5550177" in text) is kept
        assert decode_document(text) == document
    for hidden in ("anonymous", "Restricted", "266696687", ""):
        assert caller_number(hidden) == ""
