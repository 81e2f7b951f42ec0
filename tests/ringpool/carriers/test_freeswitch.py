"""FreeSWITCH's call records, in each of the ways that mod_json_cdr posts them."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any
from urllib.parse import quote

import pytest

from ringpool.carriers import freeswitch
from ringpool.carriers.delivery import FORM
from ringpool.faults import Faults
from ringpool.model import FreeSwitchAccess
from tests.ringpool.carriers.deliveries import NOW, delivery

ACCESS = FreeSwitchAccess(user="switch", password="a-password-0123456789")
JSON = "application/json"


def record(**variables: str) -> dict[str, Any]:
    """A record of a call that began a minute ago and was answered, its values URL-encoded."""
    plain = {
        "uuid": "7c3f8a2e-1",
        "direction": "inbound",
        "sip_req_user": "+18885550101",
        "start_epoch": str(NOW - 60),
        "start_uepoch": f"{NOW - 60}250000",
        "answer_epoch": str(NOW - 50),
        "end_epoch": str(NOW - 5),
        "billsec": "45",
        "hangup_cause": "NORMAL_CLEARING",
        **variables,
    }
    return {
        "core-uuid": "c0",
        "channel_data": {"state": "CS_REPORTING", "direction": "inbound"},
        "variables": {name: quote(value) for name, value in plain.items()},
        "callflow": [
            {"caller_profile": {"destination_number": "queue", "caller_id_number": "100"}},
            {
                "caller_profile": {
                    "destination_number": "18885550102",
                    "caller_id_number": "+12125550177",
                }
            },
        ],
    }


def read(document: dict[str, Any], *, encoded: bool = True) -> Any:
    return freeswitch.read(delivery(json.dumps(document).encode(), JSON), encoded=encoded)


def test_each_encoding_says_the_same() -> None:
    """The body as JSON, as a form and as a base64 form; variables URL-encoded or not."""
    text = json.dumps(record())
    bodies = [
        (text, JSON),
        (f"cdr={quote(text)}", FORM),
        (f"cdr={quote(text, safe='+')}", FORM),
        (f"cdr={b64encode(text.encode()).decode()}", freeswitch.BASE64_FORM),
    ]
    told = [freeswitch.read(delivery(body.encode(), kind)) for body, kind in bodies]
    plain = record()
    plain["variables"]["sip_req_user"] = "+18885550101"
    plain["callflow"] = plain["callflow"][-1]
    told += [read(plain), read(plain, encoded=False)]
    assert all(each == told[0] for each in told)
    assert [(each.event, each.at) for each in told[0].events] == [
        ("started", (NOW - 60) * 1000 + 250),
        ("answered", (NOW - 50) * 1000),
        ("ended", (NOW - 5) * 1000),
    ]
    for each in told[0].events:
        assert (each.id, each.number) == ("7c3f8a2e-1", "+18885550101")
        assert each.caller == "+12125550177"
    assert told[0].events[2].duration_seconds == 45


def test_a_call_that_nobody_answered() -> None:
    """It was missed, and the cause says why."""
    told = read(record(answer_epoch="0", hangup_cause="NO_ANSWER"))
    assert [(each.event, each.reason) for each in told.events] == [
        ("started", ""),
        ("missed", "no_answer"),
    ]


def test_which_number_was_called() -> None:
    """What the dialplan says, else what the carrier asked for; digits alone are international."""
    told = read(record(ringpool_number="18885550103"))
    assert told.events[0].number == "+18885550103"
    assert read(record(sip_req_user="")).events[0].number == "+18885550102"
    assert read(record(sip_req_user="1001")).ignored


def test_other_legs_are_ignored() -> None:
    """What FreeSWITCH called itself, however it tells that."""
    outbound = record(direction="outbound")
    assert read(outbound).ignored
    leg = record()
    leg["channel_data"]["direction"] = "outbound"
    assert read(leg).ignored
    leg = record()
    leg["callflow"][-1]["caller_profile"]["originator"] = {}
    assert read(leg).ignored


def test_who_logs_in() -> None:
    """The account's user and password, and nobody else."""

    def is_signed(header: str, access: FreeSwitchAccess = ACCESS) -> bool:
        return freeswitch.is_signed(delivery(b"{}", JSON, authorization=header), access)

    def login(text: str) -> str:
        return f"Basic {b64encode(text.encode()).decode()}"

    assert is_signed(login("switch:a-password-0123456789"))
    for wrong in (
        login("switch:a-password-0123456788"),
        login("other:a-password-0123456789"),
        login("switch"),
        "Basic ?",
        "Bearer a-password-0123456789",
        "",
    ):
        assert not is_signed(wrong)
    assert not is_signed(login("switch:"), FreeSwitchAccess(user="switch"))


@pytest.mark.parametrize(
    ("body", "kind", "field"),
    [
        (b"cdr", FORM, "document"),
        (b"xml=1", FORM, "cdr"),
        (b"cdr=A", freeswitch.BASE64_FORM, "cdr"),
        (b"{}", JSON, "variables"),
        (b'{"variables": {"a": "b"}}', JSON, "uuid"),
        (json.dumps(record(start_uepoch="", start_epoch="")).encode(), JSON, "start_epoch"),
        (json.dumps(record(billsec="long")).encode(), JSON, "billsec"),
    ],
)
def test_a_record_that_cant_be_read(body: bytes, kind: str, field: str) -> None:
    """The fault names the field."""
    with pytest.raises(Faults, match=field):
        freeswitch.read(delivery(body, kind))
