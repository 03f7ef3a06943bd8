"""OverallFrameworkMetrics: what the training's time went to. It never fires."""

from collections import defaultdict
from typing import Any, Final

import pyarrow as pa

from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.profiler.events import STEP_PHASES, Phase
from epochwatch.profiler.rules.builtin.events import is_phase, seconds_by
from epochwatch.profiler.rules.builtin.rule import ProfilerRule

_SHOWN: Final = 50
_KEPT: Final = 10_000
_MODES: Final = {mode.value: mode.name for mode in ModeKeys}


class OverallFrameworkMetrics(ProfilerRule):
    """The seconds of steps by mode, of the phases of steps, and of operators on processors and on devices."""

    phases = frozenset({Phase.STEP, *STEP_PHASES, Phase.INITIALIZATION, Phase.OPERATOR, Phase.KERNEL})

    def __init__(self, **given: Any) -> None:
        """See ``ProfilerRule``."""
        super().__init__(**given)
        self._modes = defaultdict[str, float](float)
        self._phases = defaultdict[str, float](float)
        self._names = {phase: defaultdict[str, float](float) for phase in (Phase.OPERATOR, Phase.KERNEL)}

    def see_events(self, events: pa.Table) -> None:
        """See ``ProfilerRule``."""
        assert self.phases is not None
        events = events.filter(is_phase(events, *self.phases))
        self.datapoints += len(events)
        for (phase, mode), seconds in seconds_by(events, "phase", "mode").items():
            if phase == Phase.STEP:
                self._modes[_MODES.get(mode, "GLOBAL")] += seconds
            self._phases[phase] += seconds
        for phase, sums in self._names.items():
            for (name,), seconds in seconds_by(events.filter(is_phase(events, phase)), "name").items():
                if name in sums or len(sums) < _KEPT:
                    sums[name] += seconds

    def judge(self, until: int) -> bool:
        """See ``ProfilerRule``."""
        return False

    def details(self) -> dict[str, Any]:
        """Seconds, and shares in percent: of the steps by mode; of the phases, whose rest of the steps is ``idle``; of
        the 50 costliest operators and kernels.
        """
        parts = {phase.value: self._phases[phase] for phase in STEP_PHASES if phase in self._phases}
        steps = self._phases.get(Phase.STEP, 0.0)
        if steps:
            parts["idle"] = max(0.0, steps - sum(parts.values()))
        found: dict[str, Any] = {"phase": _shares(self._modes), "general": _shares(parts)}
        found["initialization"] = round(self._phases.get(Phase.INITIALIZATION, 0.0), 6)
        for phase, title in ((Phase.OPERATOR, "CPU_events"), (Phase.KERNEL, "GPU_events")):
            found[title] = _shares(self._names[phase])
        return found


def _shares(seconds: dict[str, float]) -> dict[str, dict[str, float]]:
    total = sum(seconds.values())
    order = sorted(seconds.items(), key=lambda pair: -pair[1])[:_SHOWN]
    return {
        name: {"seconds": round(one, 6), "percent": round(100 * one / total, 4) if total else 0.0}
        for name, one in order
    }
