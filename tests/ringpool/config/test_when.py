"""A pool's `when` in the configuration file: written, read back, refused."""

from __future__ import annotations

import pytest

from ringpool.config import config_file
from ringpool.config.difference import difference
from ringpool.faults import Faults

FILE = """
accounts: [{id: a}]
pools:
- id: one
  account: a
  key: 0123456789abcdef
  parameters: [m]
  allow_overflow: false
  swap_targets: ['+18005550100']
  when:
    medium: paid
    param.ref: [one, two]
    path: {prefix: /offers/}
    gclid: {present: true}
    host: {pattern: '^www'}
  priority: 7
  touch: first
  sticky: true
- {id: two, account: a, parameters: [m], allow_overflow: false, swap_targets: ['+18005550100']}
"""


def test_what_is_written_is_read_again() -> None:
    """`export` writes rules such that `apply` finds nothing to change."""
    read = config_file.read(FILE)
    again = config_file.read(config_file.write(read))
    assert again == read
    assert difference(read, again) == []
    assert read.pools[0].when is not None
    assert list(read.pools[0].when) == ["medium", "param.ref", "path", "gclid", "host"]


def test_a_change_of_a_rule_is_shown() -> None:
    """A dry run names the field with what was there and what will be."""
    read = config_file.read(FILE)
    (change,) = difference(read, config_file.read(FILE.replace("medium: paid", "medium: social")))
    assert [field.field for field in change.fields] == ["when"]
    assert "medium: paid" in change.lines()[1]


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("medium: paid", "medium: 5", "pools[0].when.medium: expected text"),
        ("medium: paid", "medium: pay", "pools[0].when.medium: 'pay' is none of paid, organic"),
        ("[one, two]", "[one, 2]", "pools[0].when.param.ref[1]: expected text"),
        ("[one, two]", "[]", "pools[0].when.param.ref: expected"),
        ("param.ref", "param.Ref", "pools[0].when.param.Ref: unknown field"),
        ("{prefix: /offers/}", "{suffix: x}", "pools[0].when.path.suffix: unknown key"),
        ("{prefix: /offers/}", "{prefix: [x]}", "pools[0].when.path.prefix: expected"),
        ("{present: true}", "{present: yes!}", "pools[0].when.gclid.present: expected"),
        ("'^www'", "'('", "pools[0].when.host.pattern: not a pattern of RE2: missing )"),
        ("medium: paid", "click_id: gclod", "pools[0].when.click_id: 'gclod' is none of"),
        ("medium: paid", "country: USA", "pools[0].when.country: 'USA' is not a country"),
        ("priority: 7", "priority: -1", "pools[0].priority: expected int >= 0"),
        ("touch: first", "touch: second", "pools[0].touch: 'second' is none of first, last"),
        ("m], allow", "held], allow", "pools[1].parameters[0]: held already has a meaning"),
        ("parameters: [m]\n", "type: static\n  numbers: []\n", "pools[0].numbers: a pool of type"),
    ],
)
def test_faults_have_their_paths(before: str, after: str, fault: str) -> None:
    """Each is a line with its path in the file."""
    assert before in FILE
    with pytest.raises(Faults) as raised:
        config_file.read(FILE.replace(before, after, 1))
    assert any(str(each).startswith(fault) for each in raised.value.faults), raised.value


def test_of_pools_for_every_visit_one_is_enough() -> None:
    """Two without rules for one number are refused, and so is a target that is named twice."""
    start, end = FILE.index("  when:"), FILE.index("  priority:")
    with pytest.raises(Faults, match=r"pools\[1\].swap_targets\[0\].*give one of them a when"):
        config_file.read(FILE[:start] + FILE[end:])
    with pytest.raises(Faults, match=r"pools\[0\].swap_targets\[1\].* is swap_targets\[0\]"):
        config_file.read(FILE.replace("['+18005550100']", "['+18005550100', '+18005550100']", 1))
