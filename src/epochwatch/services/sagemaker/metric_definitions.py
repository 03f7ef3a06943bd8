"""A job's metrics as SageMaker lists them: definitions with a legal name and regex, and last values."""

import itertools
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar

import numpy as np

from epochwatch.model.job import TrainingJob
from epochwatch.model.run_series import metric_name
from epochwatch.services.call import Call
from epochwatch.store.run_points import TRAINING_JOB, MetricSummary

MOST_METRICS: Final = 40
LONGEST_NAME: Final = 255
LONGEST_REGEX: Final = 500
Item = TypeVar("Item")
_NUMBER: Final = r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)"


def metric_definitions(job: TrainingJob, summaries: Sequence[MetricSummary]) -> list[dict[str, str]]:
    """The definitions in force, then the metrics that came without one, at most 40.

    A definition that has no regex of its own, or one longer than SageMaker takes, gets one that finds
    ``name=value`` or ``name: value`` in a line.
    """
    regexes = {definition.name: definition.regex for definition in reversed(job.definitions)}
    names = _first(_names(job, summaries), MOST_METRICS)
    return [{"Name": name, "Regex": _regex(name, regexes.get(name, ""))} for name in names]


def final_metrics(call: Call, job: TrainingJob, summaries: Sequence[MetricSummary]) -> list[dict[str, Any]]:
    """The last finite value of each metric that has one, at most 40, the definitions' metrics first; of a metric with
    dimensions, that of the series that got a value last.
    """
    newest_last = sorted(summaries, key=lambda summary: summary.last_time)
    by_name = {metric_name(summary.name): summary for summary in newest_last}
    valued = (by_name[name] for name in _names(job, summaries) if name in by_name)
    return _first((final for summary in valued for final in _final(call, job.name, summary)), MOST_METRICS)


def _names(job: TrainingJob, summaries: Sequence[MetricSummary]) -> Iterable[str]:
    """Names of metrics, each once: as defined, then by name; only those an answer may hold."""
    names = [definition.name for definition in job.definitions]
    names += [metric_name(summary.name) for summary in summaries]
    return (name for name in dict.fromkeys(names) if 0 < len(name) <= LONGEST_NAME and name.isprintable())


def _first(items: Iterable[Item], count: int) -> list[Item]:
    return list(itertools.islice(items, count))


def _regex(name: str, regex: str) -> str:
    if 0 < len(regex) <= LONGEST_REGEX and regex.isprintable():
        return regex
    spelled = rf"{re.escape(name)}\s*[=:]\s*{_NUMBER}"
    return spelled if len(spelled) <= LONGEST_REGEX else rf"[=:]\s*{_NUMBER}"


def _final(call: Call, job: str, summary: MetricSummary) -> list[dict[str, Any]]:
    value, time = summary.final, summary.last_time
    if not np.isfinite(value):
        points = call.stores.run_points.points(call.tenant, TRAINING_JOB, job, [summary.name])
        values, times = points["value"].to_numpy(), points["time"].to_numpy()
        finite = np.flatnonzero(np.isfinite(values))
        if not len(finite):
            return []
        value, time = float(values[finite[-1]]), float(times[finite[-1]]) / 1e6
    return [{"MetricName": metric_name(summary.name), "Value": value, "Timestamp": time}]
