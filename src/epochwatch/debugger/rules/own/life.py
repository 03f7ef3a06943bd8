"""Faults in how a training goes on: it stands still, or its workers part."""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from epochwatch.debugger.rules.finding import Finding
from epochwatch.debugger.rules.own.once import OnceRule
from epochwatch.debugger.rules.own.signals import Chosen, is_weight
from epochwatch.debugger.rules.stream import StepStatistics
from epochwatch.debugger.source import Array


@dataclass
class Stalled(OnceRule):
    """Nothing has come for ``least_seconds`` and for ``times`` the longest usual pause between steps (its 99th
    percentile over ``window`` steps): a remark if it went on afterwards.
    """

    least_seconds: float = 60.0
    times: float = 10.0
    window: int = 200
    cause = "A worker waits: for data, for another worker that is gone, for a disk; or the process is stopped."
    remedy = "Look at the stacks of the processes (py-spy dump) and at the host's disk and network."
    _pauses: deque[float] = field(default_factory=deque, init=False)
    _last: StepStatistics | None = field(default=None, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        before, self._last = self._last, step
        if before is None or not math.isfinite(step.time - before.time):
            return None
        pause = step.time - before.time
        limit = self.limit()
        self._pauses.append(pause)
        if len(self._pauses) > self.window:
            self._pauses.popleft()
        if len(self._pauses) < 10 or pause <= limit:
            return None
        evidence = (
            f"{pause:.0f} s without a step after step {before.step}; up to {limit / self.times:.2g} s are usual"
        )
        return self.finding(step.step, before.step, evidence, kind="information", confidence=0.6)

    def idle(self, now: float) -> Iterable[Finding]:
        """See ``StreamRule``."""
        last = self._last
        if self.fired or last is None or len(self._pauses) < 10 or not now - last.time > self.limit():
            return ()
        self.fired = True
        evidence = f"no step for {now - last.time:.0f} s after step {last.step}"
        return (self.finding(last.step, last.step, evidence, confidence=0.9),)

    def limit(self) -> float:
        """Seconds that are too long."""
        usual = float(np.percentile(self._pauses, 99)) if self._pauses else 0.0
        return max(self.least_seconds, self.times * usual)


@dataclass
class ReplicasDiffer(OnceRule):
    """Weights that were equal on all workers are no longer: norms differ by more than ``tolerance``."""

    tolerance: float = 1e-4
    cause = "A worker missed an update, got other gradients, or computes wrongly."
    remedy = (
        "Compare the workers from this step on; look for parameters outside of the wrapper and for "
        "failing hardware."
    )
    leads_to = frozenset({"Divergence", "NonFinite", "NeverLearned"})
    compares_workers = True
    _chosen: dict[str, Chosen] = field(default_factory=dict, init=False)
    _step: int = field(default=-1, init=False)
    _norms: dict[str, Array] = field(default_factory=dict, init=False)
    _names: tuple[str, ...] = field(default=(), init=False)
    _were_equal: set[str] = field(default_factory=set, init=False)

    def look(self, step: StepStatistics) -> Finding | None:
        """See ``OnceRule``."""
        if step.step != self._step:
            self._step, self._norms = step.step, {}
        chosen = self._chosen.setdefault(step.worker, Chosen(lambda name, _: is_weight(name)))
        places = chosen.of(step)
        names = tuple(step.names[place] for place in places)
        norms = step.column("l2")[places]
        if not names or not np.isfinite(norms).any():
            return None
        if not self._norms or names != self._names:
            self._norms, self._names = {step.worker: norms}, names
            return None
        worker, first = next(iter(self._norms.items()))
        self._norms[step.worker] = norms
        apart = np.abs(norms - first) > self.tolerance * np.maximum(np.abs(first), 1e-12)
        known = np.array([name in self._were_equal for name in names])
        self._were_equal.update(name for name, is_apart in zip(names, apart.tolist(), strict=True) if not is_apart)
        differing = np.flatnonzero(apart & known)
        if not len(differing):
            return None
        place = differing[0]
        evidence = (
            f"{names[place]} has the norm {first[place]:.8g} on {worker} and {norms[place]:.8g} on {step.worker}"
        )
        return self.finding(
            step.step, step.step, evidence, tensors=[names[one] for one in differing[:10]], confidence=0.95
        )
