"""What the allocator and the checks need of a pool."""

from __future__ import annotations

from allocator.answers import Rules
from ringpool.config import config_file
from ringpool.model import Account, Configuration, Pool, roles, rules
from tests.ringpool.config.test_config_file import COMPLETE


def test_rules_are_the_allocators_part_of_a_pool() -> None:
    """Durations become milliseconds and absent things the allocator's empty values."""
    (only,) = config_file.read(COMPLETE).pools
    assert rules(only) == Rules(
        min_duration=600_000,
        max_size=250,
        stock="us-toll-free",
        overflow_number="+18001234444",
        budget_share=20,
        budget_least=5,
        budget_rate=60,
        owner="media-buyer-7",
    )


def test_a_pool_without_overflow_has_no_overflow_number() -> None:
    """A number that is configured but never given isn't the allocator's."""
    pool = Pool(id="p", account="a", overflow_number="+18001234444", allow_overflow=False)
    assert rules(pool).overflow_number == ""


def test_roles_are_numbers_that_no_pool_hands_out() -> None:
    """Overflow number, destination and targets, each with its path in its pool."""
    (only,) = config_file.read(COMPLETE).pools
    assert roles([only]) == {
        ("ad-placement", "overflow_number"): "+18001234444",
        ("ad-placement", "destination"): "+18885551234",
        ("ad-placement", "swap_targets[0]"): "+18005550100",
    }


def test_activity_holds_a_number_as_long_as_a_new_one_unless_the_pool_says_otherwise() -> None:
    """Also ``0s``, which is kept as it was written; a static pool's number is held by nobody."""
    pools = config_file.read(
        """
        accounts: [{id: a}]
        pools:
        - {id: silent, account: a, parameters: [m], min_duration: 3m, allow_overflow: false}
        - {id: none, account: a, parameters: [m], hold_on_activity: 0s, allow_overflow: false}
        - {id: longer, account: a, parameters: [m], hold_on_activity: 1h, allow_overflow: false}
        - {id: same, account: a, parameters: [m], hold_on_activity: 10m, allow_overflow: false}
        - {id: fixed, account: a, type: static, numbers: ['+12125550199']}
        """
    ).pools
    assert [rules(pool).hold_on_activity // 60_000 for pool in pools] == [3, 0, 60, 10, 0]
    written = config_file.write(Configuration(accounts=(Account(id="a"),), pools=pools))
    lines = [line.strip() for line in written.splitlines() if "hold_on_activity" in line]
    assert lines == ["hold_on_activity: 0s", "hold_on_activity: 1h", "hold_on_activity: 10m"]
    assert config_file.read(written).pools == pools
