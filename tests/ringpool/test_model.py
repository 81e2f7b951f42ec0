"""What the allocator and the checks need of a pool."""

from __future__ import annotations

from allocator.answers import Rules
from ringpool.config import config_file
from ringpool.model import Pool, roles, rules
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
