"""What attribution learned of a pool."""

from __future__ import annotations

from msgspec import Struct

from ringpool.attribution.evidence import CallEvidence, PoolEvidence


class Fit(Struct, frozen=True):
    """The parameters of a pool's model, kept as JSON in ``fits.parameters``."""


def fit_pool(evidence: PoolEvidence) -> Fit:
    """Fit by EM over all calls. CPU-bound: seconds for 10,000 calls, so never in the event loop."""
    raise NotImplementedError


class Posterior(Struct, frozen=True):
    """Who made a call: probabilities that add up to 1 with ``nobody``.

    ``holders`` and ``earlier``: one each, in the order of the call's evidence.
    """

    holders: tuple[float, ...]
    earlier: tuple[float, ...]
    nobody: float


def posterior(call: CallEvidence, fit: Fit) -> Posterior:
    """Work out who made a call."""
    raise NotImplementedError
