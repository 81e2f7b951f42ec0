"""What a page's script is told of pools that share a number on the page."""

from __future__ import annotations

from ringpool.catalog.page_settings import page_settings
from ringpool.catalog.snapshot import Snapshot
from ringpool.config import config_file

FILE = """
accounts: [{id: a}, {id: b}]
pools:
- {id: last, account: a, type: visitor, allow_overflow: false, swap_targets: ['+18005550100'],
   priority: 200, hold_on_activity: 5m}
- {id: first, account: a, parameters: [place], allow_overflow: false, format: e164,
   min_duration: 3m, swap_targets: ['+18005550100'],
   when: {param.ref: x, cookie.seen: {present: true}}}
- {id: alone, account: a, type: visitor, allow_overflow: false, swap_targets: ['+18005550101'],
   hold_on_activity: 0s}
- {id: fixed, account: a, type: static, numbers: ['+12125550199'],
   swap_targets: ['+18005550102']}
- {id: campaign, account: a, parameters: [m], allow_overflow: false,
   landing_url: 'https://shop.example/'}
- {id: unlinked, account: a, parameters: [m], allow_overflow: false}
- {id: foreign, account: b, parameters: [m], allow_overflow: false,
   landing_url: 'https://shop.example/'}
"""


def test_a_target_names_its_pools_in_the_order_of_the_rules() -> None:
    """The first one's format, the shortest hold; consent is needed where all are by visitor."""
    snapshot = Snapshot(1, config_file.read(FILE))
    settings = page_settings(snapshot, snapshot.accounts["a"], "", "")
    by_target = {target["t"]: target for target in settings["t"]}
    shared, alone, fixed = (by_target[f"+1800555010{n}"] for n in range(3))
    assert list(shared["pool"]) == ["first", "last"]
    assert (shared["as"], shared["hold"], shared["visitor"]) == ("e164", 180_000, 1)
    assert shared["visitor"] is not True
    assert (list(alone["pool"]), alone["visitor"]) == (["alone"], True)
    assert "hold" not in alone, "nothing is renewed"
    assert "hold" not in fixed, "nothing is held"
    assert list(settings["p"]) == ["campaign"]
    assert sorted(settings["q"]) == ["place", "ref", "visitor"]
    assert settings["o"] == {"cookies": "seen"}
