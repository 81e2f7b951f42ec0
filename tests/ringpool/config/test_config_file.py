"""The configuration file: read, refused with every fault, written back."""

from __future__ import annotations

import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from ringpool.config import config_file
from ringpool.config.draft import MAX_FAULTS
from ringpool.faults import Fault, Faults
from ringpool.model import Account, Activity, Configuration, Fill, Pool, Recycle, Stock
from ringpool.times import Duration

_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_NAMES = st.sampled_from([*Pool.__struct_fields__, "origins", "quarantine", "api_keys", "x"])
_VALUES = st.recursive(
    _LEAVES | st.sampled_from(["acme", "p", "10m", "+18888695345", "https://a.example"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=6,
)
_SECTION = st.lists(st.dictionaries(_NAMES, _VALUES, max_size=8) | _VALUES, max_size=3)

COMPLETE = """
accounts:
  - id: media-buyer-7
    name: Media Buyer 7
    origins: ["https://www.newspress.example"]
pools:
  - id: ad-placement
    account: media-buyer-7
    name: Ad Placement
    key: 3f0c3f0c3f0c3f0c
    type: custom
    parameters: [website, location, path]
    min_duration: 10m
    hold_on_activity: 0s
    recycle: least_active
    activity: {call: 1, click: 0}
    max_size: 250
    fill: on_demand
    numbers: ["+18888695345", "+18001238888"]
    stock: us-toll-free
    overflow_number: "+18001234444"
    allow_overflow: true
    destination: "+18885551234"
    landing_url: https://www.newspress.example/subscribe
    swap_targets: ["+18005550100"]
    format: as_found
    mobile_click_to_call: false
    on_exhausted: {webhook: "https://ops.example/hook"}
stocks:
  - id: us-toll-free
    account: media-buyer-7
    quarantine: 30d
    numbers: ["+18885550123"]
"""
API_KEY = "a-key-of-an-account"
KNOWN = Configuration(
    accounts=(Account(id="acme", api_keys=(API_KEY,)), Account(id="other")),
    pools=(
        Pool(
            id="main",
            account="acme",
            stock="shelf",
            overflow_number="+18005550199",
            destination="+18005550198",
            swap_targets=("+18005550197",),
            parameters=("m1",),
        ),
    ),
    stocks=(Stock(id="shelf", account="acme"),),
)


def faults_of(text: str, known: Configuration = KNOWN) -> list[str]:
    """Return the faults of a file, one line each."""
    with pytest.raises(Faults) as raised:
        config_file.read(text, known)
    return str(raised.value).splitlines()


def pool(fields: str, account: str = "acme") -> str:
    """Return a file with one pool, good but for the fields given."""
    return f"pools:\n- {{id: p, account: {account}, {fields}}}"


GOOD = 'parameters: [m1], overflow_number: "+18001234444"'
SECRET = "a-secret-0123456789"


def test_the_complete_example_reads_as_written() -> None:
    """Every key of the contract's example lands in its field."""
    read = config_file.read(COMPLETE)
    (only,) = read.pools
    assert only.numbers == ("+18888695345", "+18001238888")
    assert only.min_duration == Duration.parse("10m")
    assert only.recycle is Recycle.LEAST_ACTIVE
    assert only.activity == Activity(call=1, click=0)
    assert only.fill is Fill.ON_DEMAND
    assert read.stocks[0].quarantine == Duration.parse("30d")
    assert read.accounts[0].origins == ("https://www.newspress.example",)


def test_write_is_the_inverse_of_read() -> None:
    """What is written reads back equal, with defaults left out."""
    read = config_file.read(COMPLETE)
    text = config_file.write(read)
    assert config_file.read(text) == read
    assert "min_duration" not in text
    assert "quarantine" not in text


@pytest.mark.parametrize("text", [r"acme\n", r"acme\n\n", r"acme\r", r"\nacme", "Acme", "a" * 64])
def test_an_id_is_nothing_but_its_characters(text: str) -> None:
    """A newline at the end, which ``$`` lets pass, is refused like any other character."""
    (fault,) = faults_of(f'accounts: [{{id: "{text}"}}]')
    assert fault.startswith("accounts[0].id: expected an id: a-z, 0-9 and -, 63 characters at most")
    (fault,) = faults_of(pool(f'{GOOD}, stock: "{text}"'))
    assert fault.startswith("pools[0].stock: expected an id: ")


def test_a_key_is_nothing_but_its_characters() -> None:
    """A pool's key and an account's have no newline at the end either."""
    (fault,) = faults_of(pool(f'{GOOD}, key: "3f0c3f0c3f0c3f0c\\n"'))
    assert fault.startswith("pools[0].key: expected a key: 16 to 128 of A-Z, a-z, 0-9, _ and -")
    (fault,) = faults_of('accounts: [{id: acme, api_keys: ["3f0c3f0c3f0c3f0c\\n"]}]')
    assert fault.startswith("accounts[0].api_keys[0]: expected a key: ")


def test_an_empty_list_of_numbers_is_not_a_missing_one() -> None:
    """An empty list stays an empty list, an absent one absent, in the struct and in the file."""
    unnamed, empty = (
        config_file.read(pool(f"{GOOD}{numbers}"), KNOWN) for numbers in ("", ", numbers: []")
    )
    assert unnamed.pools[0].numbers is UNSET
    assert empty.pools[0].numbers == ()
    for read, written in ((unnamed, False), (empty, True)):
        text = config_file.write(read)
        assert ("numbers: []" in text) is written
        assert config_file.read(text, KNOWN) == read


def test_nothing_is_written_as_nothing() -> None:
    """An empty configuration is an empty file, which changes nothing when read."""
    assert config_file.write(Configuration()) == ""
    assert config_file.read("") == config_file.read("pools:\n") == Configuration()


def test_numbers_and_names_become_canonical() -> None:
    """However a number or a parameter name is written, one form is kept."""
    read = config_file.read(
        pool('parameters: [WebSite], numbers: ["+1 (888) 869-5345"], allow_overflow: false'), KNOWN
    )
    assert read.pools[0].numbers == ("+18888695345",)
    assert read.pools[0].parameters == ("website",)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        (f"{GOOD}, colour: red", "pools[0].colour: unknown key"),
        (f"{GOOD}, max_size: many", "pools[0].max_size: expected int, got str"),
        (f"{GOOD}, max_size: 0", "pools[0].max_size: expected int >= 1"),
        (f"{GOOD}, name: 5", "pools[0].name: expected text, got 5: put it in quotes"),
        (f"{GOOD}, numbers: [+18888695345]", "pools[0].numbers[0]: expected text, got 18888695345"),
        (f"{GOOD}, numbers: ['12']", "pools[0].numbers[0]: "),
        (f"{GOOD}, numbers: x", "pools[0].numbers: expected a list"),
        (f"{GOOD}, numbers: null", "pools[0].numbers: expected a list"),
        (f"{GOOD}, budget: {{share: 101}}", "pools[0].budget.share: expected int <= 100"),
        (f"{GOOD}, budget: {{rate: -1}}", "pools[0].budget.rate: expected int >= 0"),
        (f"{GOOD}, values: {{x: [a]}}", "pools[0].values.x: not one of "),
        (
            f"{GOOD}, values: {{m1: {{pattern: '('}}}}",
            "pools[0].values.m1.pattern: not a pattern of RE2",
        ),
        (f"{GOOD}, values: {{x: []}}", "pools[0].values.x: "),
        (f"{GOOD}, budget: off", "pools[0].budget: expected keys and values"),
        (f"{GOOD}, history_bytes: -1", "pools[0].history_bytes: expected int >= 0"),
        (f"{GOOD}, history_bytes: 262145", "pools[0].history_bytes: expected int <= 262144"),
        (f"{GOOD}, history_bytes: 4k", "pools[0].history_bytes: expected int, got str"),
        (f"{GOOD}, min_duration: 5", "pools[0].min_duration: expected a duration such as 10m"),
        (f"{GOOD}, min_duration: soon", "pools[0].min_duration: 'soon' is not a duration"),
        (f"{GOOD}, min_duration: 0s", "pools[0].min_duration: 0s is outside 1s to 10y"),
        (f"{GOOD}, min_duration: 11y", "pools[0].min_duration: 11y is outside 1s to 10y"),
        (f"{GOOD}, type: magic", "pools[0].type: 'magic' is none of custom, "),
        (f"{GOOD}, activity: {{call: x}}", "pools[0].activity.call: expected float, got str"),
        (f"{GOOD}, activity: {{click: -0.1}}", "pools[0].activity.click: expected float >= 0"),
        (f"{GOOD}, activity: {{click: .nan}}", "pools[0].activity.click: expected float >= 0"),
        (f"{GOOD}, activity: {{half_life: 0s}}", "pools[0].activity.half_life: 0s is outside 1s"),
        (f"{GOOD}, activity: {{mail: 1}}", "pools[0].activity.mail: unknown key"),
        (f"{GOOD}, key: short", "pools[0].key: expected a key"),
        (f"{GOOD}, whisper: 'From {{web}}'", "pools[0].whisper: {web} is none of {m1}"),
        (f"{GOOD}, whisper: 'From {{m1'", "pools[0].whisper: has a brace"),
        (f"{GOOD}, whisper: 'From {{{{m1}}}}'", "pools[0].whisper: has a brace"),
        (f"{GOOD}, landing_url: 'javascript:alert(1)'", "pools[0].landing_url: "),
        (f"{GOOD}, landing_url: 'https://user:x@a.example'", "pools[0].landing_url: "),
        (f"{GOOD}, landing_url: '//a.example'", "pools[0].landing_url: "),
        (f"{GOOD}, on_exhausted: {{webhook: ftp://a}}", "pools[0].on_exhausted.webhook: "),
        (f"{GOOD}, on_exhausted: {{}}", "pools[0].on_exhausted.webhook: missing"),
        (f"{GOOD}, notify: [{{}}]", "pools[0].notify[0]: needs a webhook or an email"),
        (
            f"{GOOD}, notify: [{{webhook: 'https://u:word@a', secret: {SECRET}}}]",
            "pools[0].notify[0].webhook: is not an http or https address",
        ),
        (
            f"{GOOD}, notify: [{{webhook: 'https://a'}}]",
            "pools[0].notify[0].secret: needed: it signs",
        ),
        (
            f"{GOOD}, notify: [{{webhook: 'https://a', secret: short}}]",
            "pools[0].notify[0].secret: expected a key",
        ),
        (
            f"{GOOD}, notify: [{{email: 'a@b, c@d'}}]",
            "pools[0].notify[0].email: expected one e-mail address",
        ),
        (f"{GOOD}, notify: [{{email: a@b, secret: {SECRET}}}]", "pools[0].notify[0].secret: signs"),
        (
            f"{GOOD}, notify: [{{email: a@b, events: [late]}}]",
            "pools[0].notify[0].events[0]: 'late' is none of exhausted, ",
        ),
        (
            f"{GOOD}, notify: [{{email: a@b, events: [grown, grown]}}]",
            "pools[0].notify[0].events[1]: grown is there already",
        ),
        (f"{GOOD}, notify: [{{email: a@b, cooldown: 30s}}]", "pools[0].notify[0].cooldown: 30s is"),
        (
            f"{GOOD}, notify: [{{email: a@b}}, {{email: a@b}}]",
            "pools[0].notify[1].email: the same as pools[0].notify[0]",
        ),
        (
            f"{GOOD}, notify: [{{webhook: http://a, secret: {SECRET}, former_secret: {SECRET}}}]",
            "pools[0].notify[0].former_secret: the same as secret",
        ),
        (f"{GOOD}, stock: nowhere", "pools[0].stock: there is no stock nowhere"),
        (f"{GOOD}, stock: {{id: nowhere}}", "pools[0].stock.id: there is no stock nowhere"),
        (f"{GOOD}, stock: {{type: local}}", "pools[0].stock.id: missing"),
        (f"{GOOD}, stock: {{id: shelf, kind: x}}", "pools[0].stock.kind: unknown key"),
        (
            f"{GOOD}, stock: {{id: shelf, type: free}}",
            "pools[0].stock.type: 'free' is none of local",
        ),
        (
            f"{GOOD}, stock: {{id: shelf, country: us}}",
            "pools[0].stock.country: expected a country's",
        ),
        (f"{GOOD}, stock: {{id: shelf, country: XX}}", "pools[0].stock.country: XX is no country"),
        (
            f"{GOOD}, stock: {{id: shelf, country: US, type: shared_cost}}",
            "pools[0].stock.type: US has no numbers of type shared_cost",
        ),
        (f"{GOOD}, stock: {{id: shelf, area: '212'}}", "pools[0].stock.country: needed for area"),
        (
            f"{GOOD}, stock: {{id: shelf, country: US, area: 212}}",
            "pools[0].stock.area: expected text, got 212: put it in quotes",
        ),
        (
            f"{GOOD}, stock: {{id: shelf, country: US, area: '+1212'}}",
            "pools[0].stock.area: expected 1 to 5 digits such as 212, got '+1212'",
        ),
        (f"{GOOD}, initial: -1, stock: shelf", "pools[0].initial: expected int >= 0"),
        (f"{GOOD}, initial: 2", "pools[0].stock: needed for initial"),
        (
            f"{GOOD}, initial: 6, max_size: 5, stock: shelf",
            "pools[0].initial: 6, and max_size is 5",
        ),
        (f"{GOOD}, low_water: 6, max_size: 5, stock: shelf", "pools[0].low_water: 6, and max_size"),
        (f"{GOOD}, autoscale: {{}}, stock: shelf", "pools[0].max_size: needed for autoscale"),
        (
            f"{GOOD}, initial: 1, fill: immediate, max_size: 5, stock: shelf",
            "pools[0].initial: a pool with fill: immediate is full at once",
        ),
        (
            f"{GOOD}, autoscale: {{grow: 10%}}, max_size: 5, stock: shelf",
            "pools[0].autoscale.grow: expected a share and a span such as 10% / 5m, got '10%'",
        ),
        (
            f"{GOOD}, autoscale: {{grow: 0% / 5m}}, max_size: 5, stock: shelf",
            "pools[0].autoscale.grow: expected a share and a span",
        ),
        (
            f"{GOOD}, autoscale: {{grow: daily}}, max_size: 5, stock: shelf",
            "pools[0].autoscale.grow: expected a share and a span",
        ),
        (
            f"{GOOD}, autoscale: {{shrink: yearly}}, max_size: 5, stock: shelf",
            "pools[0].autoscale.shrink: expected one of hourly, daily, weekly, never, or a share",
        ),
        (f"{GOOD}, fill: immediate, max_size: 5", "pools[0].stock: needed for fill: immediate"),
        (f"{GOOD}, fill: immediate, stock: shelf", "pools[0].max_size: needed for fill"),
        (
            f"{GOOD}, max_size: 1, numbers: ['+18888695345', '+18888695346']",
            "pools[0].numbers: 2 numbers, and max_size is 1",
        ),
        (
            f"{GOOD}, numbers: ['+18888695345', '+1 888 869 5345']",
            "pools[0].numbers[1]: +18888695345 is pools[0].numbers[0] already",
        ),
        (f"{GOOD}, numbers: ['+18001234444']", "pools[0].overflow_number: +18001234444 is handed"),
        (f"{GOOD}, numbers: ['+18005550199']", "pools[0].numbers[0]: +18005550199 is overflow"),
        (f"{GOOD}, numbers: ['+18005550198']", "pools[0].numbers[0]: +18005550198 is destination"),
        (f"{GOOD}, swap_targets: ['+18005550197']", "pools[0].swap_targets[0]: +18005550197 is a"),
        ("parameters: [m1]", "pools[0].overflow_number: needed unless allow_overflow is false"),
        ("allow_overflow: false", "pools[0].parameters: a pool of type custom needs 1 to 10"),
        (
            "allow_overflow: false, type: visitor, parameters: [a]",
            "pools[0].parameters: a pool of type visitor has none of its own",
        ),
        (
            f"allow_overflow: false, parameters: {[f'm{n}' for n in range(11)]}",
            "pools[0].parameters",
        ),
        ("allow_overflow: false, parameters: [a, A]", "pools[0].parameters[1]: a is there already"),
        (
            "allow_overflow: false, parameters: [param1]",
            "pools[0].parameters[0]: param1 already has a meaning",
        ),
        (
            "allow_overflow: false, parameters: ['a b']",
            "pools[0].parameters[0]: 'a b' is not a name",
        ),
    ],
)
def test_a_wrong_pool_is_refused_with_its_path(fields: str, fault: str) -> None:
    """Each rule of a pool that is broken makes one line that starts with the path."""
    (line,) = faults_of(pool(fields))
    assert line.startswith(fault)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('"a\\nb": []', "'a\\nb': unknown key"),
        ('accounts: [{id: a, "x\\ny": 1}]', "accounts[0].'x\\ny': unknown key"),
        ("- a", "document: expected the keys"),
        ("pool: []", "pool: unknown key; known are accounts, pools, stocks"),
        ("pools: {}", "pools: expected a list"),
        ("pools: [x]", "pools[0]: expected keys and values"),
        (pool(GOOD, account="ghost"), "pools[0].account: there is no account ghost"),
        (pool(f"{GOOD}, stock: shelf", account="other"), "pools[0].stock: shelf belongs to"),
        ("accounts: [{id: Acme}]", "accounts[0].id: expected an id"),
        ("accounts: [{name: x}]", "accounts[0].id: missing"),
        ("accounts: [{id: a}, {id: a}]", "accounts[1].id: a is accounts[0] already"),
        ("accounts: [{id: a, unroutable: {}}]", "accounts[0].unroutable: needs a destination or"),
        (
            "accounts: [{id: a, unroutable: {destination: '12'}}]",
            "accounts[0].unroutable.destination: '12' ",
        ),
        ("accounts: [{id: a, retention: 23h}]", "accounts[0].retention: 23h is outside 1d to 10y"),
        ("accounts: [{id: a, retention: 11y}]", "accounts[0].retention: 11y is outside 1d to 10y"),
        ("accounts: [{id: a, retention: 90}]", "accounts[0].retention: expected a duration"),
        ("accounts: [{id: a, retention: soon}]", "accounts[0].retention: 'soon' is not a duration"),
        ("accounts: [{id: a, origins: ['https://a.example/x']}]", "accounts[0].origins[0]: "),
        ("accounts: [{id: a, origins: [a.example]}]", "accounts[0].origins[0]: "),
        ("accounts: [{id: a, origins: ['https://*.a.example']}]", "accounts[0].origins[0]: "),
        (f"accounts: [{{id: a, api_keys: [{API_KEY}]}}]", "accounts[0].api_keys[0]: the same key"),
        ("stocks: [{id: s, account: ghost}]", "stocks[0].account: there is no account ghost"),
        ("stocks: [{id: s, account: acme, quarantine: 11y}]", "stocks[0].quarantine: 11y is"),
        ("stocks: [{id: shelf, account: other}]", "stocks[0].account: pool main of account acme"),
        ("pools: [\n", "line 2, column 1: not YAML"),
    ],
)
def test_a_wrong_document_is_refused_with_its_path(text: str, fault: str) -> None:
    """Documents, accounts and stocks are checked as pools are."""
    (line,) = faults_of(text)
    assert line.startswith(fault)


@pytest.mark.parametrize(
    ("carriers", "fault"),
    [
        ("twilio: {}", "twilio.auth_token: needed"),
        ("twilio: {auth_token: 'sp ace 0123456789'}", "twilio.auth_token: expected 16 to 256"),
        ("twilio: {auth_token: SECRET, former_auth_token: SECRET}", "twilio.former_auth_token: "),
        ("twilio: {shared_keys: [{id: k}]}", "twilio.shared_keys[0].secret: needed"),
        (
            "twilio: {shared_keys: [{id: k, secret: SECRET}, {id: k, secret: SECRET}]}",
            "twilio.shared_keys[1].id: is there already",
        ),
        ("telnyx: {public_key: SECRET}", "telnyx.public_key: expected 32 bytes in base64"),
        ("freeswitch: {user: a}", "freeswitch.password: needed"),
        ("freeswitch: {user: 'a:b', password: SECRET}", "freeswitch.user: expected 1 to 128"),
        ("generic: {}", "generic.secret: needed"),
        ("generic: {secret: SECRET, former_secret: SECRET}", "generic.former_secret: the same as"),
        ("generic: {former_secret: SECRET}", "generic.former_secret: needs one that takes its"),
        ("sipgate: {}", "sipgate: unknown key; known are twilio, "),
    ],
)
def test_wrong_carriers_are_refused_with_their_path(carriers: str, fault: str) -> None:
    """Each has a secret, another than the one before; none is repeated."""
    secret = SECRET if "public_key" not in carriers else f"{SECRET}!"
    text = carriers.replace("SECRET", secret)
    line, *_ = faults_of(f"accounts: [{{id: a, carriers: {{{text}}}}}]")
    assert line.startswith(f"accounts[0].carriers.{fault}")
    assert secret not in line or "public_key" in carriers


def test_every_fault_is_reported_at_once_in_document_order() -> None:
    """One run reports everything, also after a fault of another entity."""
    lines = faults_of(
        "accounts: [{id: a, x: 1, name: 5}]\n"
        "pools:\n"
        f"- {{id: p, account: a, {GOOD}, numbers: ['+18888695345'], min_duration: 0s}}\n"
        f"- {{id: q, account: ghost, {GOOD}, numbers: ['1', '+18888695345'], recycle: no}}\n"
        "stocks: [{id: s, account: a, numbers: ['+18888695345']}]\n",
        Configuration(),
    )
    assert [line.split(": ")[0] for line in lines] == [
        "accounts[0].x",
        "accounts[0].name",
        "pools[0].min_duration",
        "pools[1].recycle",
        "pools[1].numbers[0]",
        "pools[1].account",
        "pools[1].numbers[1]",
        "stocks[0].numbers[0]",
    ]


@given(st.dictionaries(st.sampled_from(["accounts", "pools", "stocks", "x"]), _SECTION | _VALUES))
def test_nothing_but_faults_comes_of_bad_files(document: dict[str, object]) -> None:
    """Whatever stands in a file, it is read or refused, each fault on one line with a path."""
    read, faults = outcome(yaml.safe_dump(document))
    if read is None:
        assert all(fault.field and fault.message for fault in faults)
        assert all(len(str(fault).splitlines()) == 1 for fault in faults)
    else:
        assert config_file.read(config_file.write(read), KNOWN) == read


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text at all makes the reader fail in another way."""
    read, faults = outcome(text)
    assert (read is None) == bool(faults)


def outcome(text: str) -> tuple[Configuration | None, tuple[Fault, ...]]:
    """Return the configuration of a file, or what is wrong with it."""
    try:
        return config_file.read(text, KNOWN), ()
    except Faults as faults:
        return None, faults.faults


@pytest.mark.parametrize(
    "text",
    [
        "pools: [&a {id: x}" + ", *a" * 20_000 + "]",
        "pools: [" + ", ".join(["{id: x}"] * 12_000) + "]",
        "accounts: [&a {id: x, origins: [" + "1, " * 900 + "]}" + ", *a" * 10 + "]",
        "pools: [&a {id: x}" + ", {<<: *a}" * 10_000 + "]",
    ],
    ids=["aliases", "no alias", "one alias of many", "merged"],
)
def test_a_short_file_is_refused_in_a_short_time(text: str) -> None:
    """100 KB took up to 43 s: now a thousand faults are the most, the first ones."""
    assert len(text) <= 110_000
    started = time.process_time()
    with pytest.raises(Faults) as raised:
        config_file.read(text)
    assert time.process_time() - started < 5
    *faults, last = raised.value.faults
    assert (last.field, last.message) == ("document", "more than 1000 faults: these come first")
    assert len(faults) == MAX_FAULTS
