"""The demo's accounts and pools, and the addresses that are printed at the start."""

from __future__ import annotations

from importlib.resources import files
from string import Template

from ringpool.catalog.audit import Actor
from ringpool.catalog.catalog import Catalog
from ringpool.config import config_file
from ringpool.model import Configuration

ACCOUNT = "sunfold"
PLACEMENTS = "ad-placement"
"""The pool whose number the landing page prints in its header, hero and footer."""

TOO_SMALL = "two-numbers"
"""The pool that the overflow page exhausts after two visits."""

_FILE = files("ringpool.demo") / "demo.yaml"
_PLACEMENT = "website=one&location=header"


def demo_configuration(base_url: str) -> Configuration:
    """The demo's entities, their landing pages under ``base_url`` (no slash at its end)."""
    return config_file.read(Template(_FILE.read_text("utf-8")).substitute(base=base_url))


def printed_number(pool_id: str) -> str:
    """The number (E.164) that a demo page prints for this pool to replace."""
    pools = {pool.id: pool for pool in demo_configuration("http://127.0.0.1").pools}
    return pools[pool_id].swap_targets[0]


async def prepare(catalog: Catalog, base_url: str) -> list[str]:
    """Apply the demo's entities; return lines that list the addresses to open.

    Repeating it keeps every assignment. Raises what ``Catalog.apply`` does: Faults when other
    pools have the demo's ids or numbers.
    """
    demo = catalog.by(Actor(kind="service", via="ringpool serve --demo"))
    await demo.apply(demo_configuration(base_url))
    key = (await catalog.read_pool(PLACEMENTS)).key
    number_api = f"{base_url}/api/v1/ring_pools/{PLACEMENTS}/allocate_number.json"
    return [
        f"Landing page   {base_url}/demo?{_PLACEMENT}",
        f"Overflow       {base_url}/demo/overflow?campaign=spring",
        f"Tracking link  {base_url}/t/{PLACEMENTS}?website=two&location=newsletter",
        f"Number API     curl '{number_api}?{_PLACEMENT}&path=/demo&ring_pool_key={key}'",
    ]
