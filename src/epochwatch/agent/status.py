"""The status line: one line that says how the run is doing."""

import time

from epochwatch.agent.tally import MetricTally, Tally

_METRICS = 4


class StatusLine:
    """Tells of a run that began at ``begin`` (Unix seconds)."""

    def __init__(self, begin: float, tally: Tally) -> None:
        self._begin = begin
        self._tally = tally

    def text(self) -> str:
        """The line as it should be now."""
        passed = int(time.time() - self._begin)
        clock = f"{passed // 3600}:{passed // 60 % 60:02}:{passed % 60:02}"
        metrics = list(self._tally.metrics.values())
        if not metrics:
            return f"● {clock}  no metrics yet"
        shown = "  ".join(_one(metric) for metric in metrics[:_METRICS])
        more = f"  +{len(metrics) - _METRICS}" if len(metrics) > _METRICS else ""
        step = max((metric.final_step for metric in metrics if metric.final_step is not None), default=None)
        return f"● {clock}  {'' if step is None else f'step {step:,}  '}{shown}{more}"


def _one(metric: MetricTally) -> str:
    return f"{metric.name} {metric.final:.4g} (best {metric.best:.4g})"
