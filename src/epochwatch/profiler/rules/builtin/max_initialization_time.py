"""MaxInitializationTime: the training begins late."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epochwatch.debugger.rules.builtin import parameter
from epochwatch.model.host_samples import Samples
from epochwatch.profiler.events import Phase
from epochwatch.profiler.rules.builtin.events import is_phase
from epochwatch.profiler.rules.builtin.rule import ProfilerRule, device_of

_MINUTE = 60e6


class MaxInitializationTime(ProfilerRule):
    """The first step begins more than ``threshold`` minutes after the first sample. It waits for that step."""

    phases = frozenset({Phase.STEP})
    threshold = parameter.number(20.0, 0)

    def __init__(self, **given: Any) -> None:
        """See ``ProfilerRule``."""
        super().__init__(**given)
        self._first_sample: int | None = None
        self._first_step: int | None = None
        self._judged = False

    def wants(self, column: str) -> bool:
        """See ``ProfilerRule``."""
        return device_of(column, "cpu", "busy") == 0

    def see_samples(self, node: str, samples: Samples) -> None:
        """See ``ProfilerRule``."""
        if len(samples.times):
            first = int(np.min(samples.times))
            self._first_sample = first if self._first_sample is None else min(self._first_sample, first)

    def see_events(self, events: pa.Table) -> None:
        """See ``ProfilerRule``."""
        if self._first_step is not None or self._judged:
            return
        self._first_step = pc.min(events.filter(is_phase(events, Phase.STEP))["start"]).as_py()

    def judge(self, until: int) -> bool:
        """See ``ProfilerRule``. It is judged once."""
        if self._judged or self._first_step is None or self._first_sample is None:
            return False
        self._judged, self.datapoints = True, 1
        self.violations = int(self._minutes > self.threshold)
        return bool(self.violations)

    @property
    def _minutes(self) -> float:
        assert self._first_step is not None
        assert self._first_sample is not None
        return (self._first_step - self._first_sample) / _MINUTE

    def details(self) -> dict[str, Any]:
        """The first sample and the first step as Unix seconds, and the minutes between them; empty before."""
        if not self._judged:
            return {}
        assert self._first_step is not None
        assert self._first_sample is not None
        return {
            "first_sample": self._first_sample / 1e6,
            "first_step": self._first_step / 1e6,
            "minutes": round(self._minutes, 4),
        }

    def summary(self) -> str:
        """See ``ProfilerRule``."""
        return f"the first step began after {self._minutes:.3g} minutes, more than {self.threshold:g}"
