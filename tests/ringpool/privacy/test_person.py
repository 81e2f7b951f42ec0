"""By what a caller or a visitor is known."""

from __future__ import annotations

import msgspec
import pytest

from ringpool.faults import Fault
from ringpool.privacy import person as persons
from ringpool.privacy.person import BLANK, Clicked
from ringpool.security.callers import caller_hash
from ringpool.security.signing import Signer, SigningKeys

ID = "v-12:3"
THEIRS = persons.visitor(ID)


@pytest.mark.parametrize(
    ("tuple_", "renamed"),
    [
        (f"visitor={ID}", "visitor=forgotten"),
        (f"visitor={ID}&area=+1212", "visitor=forgotten&area=+1212"),
        (f"website=one&gclid={ID}&publisher=x", "website=one&gclid=forgotten&publisher=x"),
        (f"cookie.uid={ID}", "cookie.uid=forgotten"),
        (f"website={ID}", f"website={ID}"),  # where they came from, and nobody's id
        (f"visitor={ID}4", f"visitor={ID}4"),
        ("visitor=v-12", "visitor=v-12"),
        ("visitor=v-1…", "visitor=forgotten"),  # cut off, as refusals have it
        ("visitor=v-2…", "visitor=v-2…"),
        ("", ""),
    ],
)
def test_tuples(tuple_: str, renamed: str) -> None:
    """An id is one in the place of an id alone."""
    assert THEIRS.renamed(tuple_) == renamed
    assert THEIRS.has_tuple(tuple_) is (tuple_ != renamed)


@pytest.mark.parametrize(
    ("attributes", "theirs"),
    [
        ({"gclid": ID}, True),
        ({"landing_page": "https://a.example/?x=1&visitor=v-12%3A3"}, True),
        ({"landing_page": "https://a.example/?x=1&VISITOR=v-12%3a3#x"}, False),
        ({"referrer": f"https://a.example/?msclkid={ID}"}, True),
        ({"landing_page": f"https://a.example/?page={ID}"}, False),
        ({"utm_campaign": ID}, False),
        ({}, False),
    ],
)
def test_clicks(attributes: dict[str, str], theirs: bool) -> None:
    """By click ids, and by ids in the addresses of pages."""
    packed = msgspec.json.encode(attributes).decode()
    assert THEIRS.has_clicked(packed) is theirs
    forgotten = THEIRS.forgotten(Clicked("website=one", packed, '{"gclid":"other"}'))
    assert forgotten.first == (BLANK if theirs else packed)
    assert forgotten[::2] == ("website=one", '{"gclid":"other"}')


def test_all_clicks_of_their_tuple_are_theirs() -> None:
    """What isn't there stays so."""
    before = Clicked(f"visitor={ID}", '{"utm_source":"x"}', "")
    assert THEIRS.forgotten(before) == Clicked("visitor=forgotten", BLANK, "")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (f"a {ID}, b", True),
        ("https://a.example/?x=v-12%3A3", True),
        ("url=https%3A%2F%2Fa.example%2F%3Fx%3Dv-12%3A3%26y", True),
        (f"{ID}4", False),
        (f"x{ID}", False),
        ("v-12%3A34", False),
    ],
)
def test_names(text: str, named: bool) -> None:
    """Whole words, however they are escaped."""
    assert THEIRS.is_named_in(text) is named


def test_an_id_that_goes_on_escaped_is_another() -> None:
    """A visitor's may have a colon."""
    assert not persons.visitor("v-12").is_named_in("https://a.example/?visitor=v-12%3A3")


def test_a_callers_hashes() -> None:
    """Of every account, under every key that is there."""
    former = SigningKeys(Signer.generate())
    keys = SigningKeys(Signer.generate(), former.current)
    someone = persons.caller("+1 (212) 555-0177", keys, ["a", "b"])
    assert someone.value == "+12125550177"
    assert len(someone.hashes) == 4
    for each in (keys, former):
        assert someone.has_called("", caller_hash(each, "b", "+12125550177"))
    assert someone.has_called("+12125550177", "")
    assert not someone.has_called("", caller_hash(keys, "b", "+12125550178"))
    assert not someone.has_called("", "")


@pytest.mark.parametrize(
    "id_", ["", "  ", "x" * 513, "a\nb", "a\x1b[0m", "forgotten", "forgotten.1"]
)
def test_what_is_no_id(id_: str) -> None:
    """The fault names the option."""
    with pytest.raises(Fault, match=r"^visitor: "):
        persons.visitor(id_)


def test_what_is_no_number() -> None:
    """Likewise."""
    with pytest.raises(Fault, match=r"^caller: "):
        persons.caller("12", SigningKeys(Signer.generate()), [])
