"""Probes as the sampler uses them."""

from collections.abc import Sequence
from typing import Any

from epochwatch.agent.host.probe import Probe


def sample(probe: Probe[Any], seconds: float) -> Sequence[float]:
    """A value for each column, over the ``seconds`` since the time before."""
    return probe.values(probe.read(seconds), seconds)


def named_sample(probe: Probe[Any], seconds: float) -> dict[str, float]:
    """The same by the columns' names."""
    return dict(zip((column.name for column in probe.columns), sample(probe, seconds), strict=True))
