"""Which steps are looked into closely, as SageMaker's ``ProfilingParameters`` say it. Needs nothing but Python."""

import ast
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

DETAILED: Final = "DetailedProfilingConfig"
PYTHON: Final = "PythonProfilingConfig"
DATA_LOADING: Final = "DataloaderProfilingConfig"
"""Batches and the processes that make them are timed in all steps anyway."""
_STEPS: Final = ("StartStep", "NumSteps")
_TIME: Final = ("StartTimeInSecSinceEpoch", "DurationInSeconds")
_OTHERS: Final = ("MetricsRegex", "ProfilerName", "cProfileTimer")
_DONE: Final = {"MetricsRegex": ".*", "ProfilerName": "cprofile"}
"""What is done whatever is asked for."""
TIMERS: Final = {
    "total_time": "total", "default": "total", "cpu": "cpu", "cpu_time": "cpu", "off_cpu": "off_cpu",
    "off_cpu_time": "off_cpu",
}  # fmt: skip
MOST_STEPS: Final = 100
MOST_SECONDS: Final = 600.0
"""Of a window: what it records waits in memory."""
_LONGEST: Final = 4096


@dataclass(frozen=True, slots=True)
class Range:
    """Steps, or those that begin within a time. Without a beginning it begins with the step after it was asked for."""

    steps: int = 1
    """How many, where there is no time."""
    first_step: int | None = None
    first_time: float | None = None
    """Unix seconds."""
    seconds: float | None = None
    timer: str = "total"
    """Of Python's functions: what of their time counts, ``total``, ``cpu`` or ``off_cpu``."""

    def begins(self, step: int, now: float) -> bool:
        """Whether it does with a step that is about to begin; a step that is over it does not wait for."""
        if self.first_step is not None:
            return self.first_step <= step < self.first_step + self.steps
        if self.first_time is not None:
            return self.first_time <= now < self.first_time + (self.seconds or MOST_SECONDS)
        return True

    def ends(self, first: int, step: int, began: float, now: float) -> bool:
        """Whether it does with a step that is over, having begun with step ``first`` at some time."""
        if step + 1 - first >= MOST_STEPS or now - began >= MOST_SECONDS:
            return True
        if self.seconds is not None:
            return now >= (began if self.first_time is None else self.first_time) + self.seconds
        last = (first if self.first_step is None else self.first_step) + self.steps - 1
        return step >= last


@dataclass(frozen=True, slots=True)
class Asked:
    """What a configuration asks for."""

    operators: Range | None = None
    python: Range | None = None
    stamp: str = ""
    """Where it is another one than before, all is asked for again."""
    without_effect: tuple[str, ...] = ()
    """What is asked for beside and is not done."""


def asked_in(path: Path) -> Asked:
    """What a ``profilerconfig.json`` asks for. Raises OSError, and ValueError for what is none."""
    found = json.loads(path.read_bytes())
    if not isinstance(found, Mapping):
        raise ValueError("the profiler's configuration is no object")
    return asked_of(found)


def asked_of(config: Mapping[str, Any]) -> Asked:
    """What ProfilerConfig asks for. Raises ValueError that names the field."""
    if config.get("DisableProfiler"):
        return Asked()
    parameters = config.get("ProfilingParameters") or {}
    if DATA_LOADING in parameters:
        _range(DATA_LOADING, parameters[DATA_LOADING])
    return Asked(
        _range(DETAILED, parameters[DETAILED]) if DETAILED in parameters else None,
        _range(PYTHON, parameters[PYTHON]) if PYTHON in parameters else None,
        str(config.get("Asked", "")),
        tuple(_without_effect(parameters)),
    )


def _without_effect(parameters: Mapping[str, Any]) -> Iterator[str]:
    for field in (DETAILED, PYTHON, DATA_LOADING):
        given = _mapping(field, parameters[field]) if field in parameters else {}
        for name, done in _DONE.items():
            if str(given.get(name, done)).lower() != done:
                yield f"{name} {given[name]!r} of {field}"


def _range(field: str, text: Any) -> Range:
    given = _mapping(field, text)
    unknown = set(given) - {*_STEPS, *_TIME, *_OTHERS}
    if unknown:
        raise ValueError(f"{field} has no {min(unknown)}: known are {', '.join((*_STEPS, *_TIME, *_OTHERS))}")
    timer = str(given.get("cProfileTimer", "total_time"))
    if timer not in TIMERS:
        raise ValueError(f"{field}: cProfileTimer is total_time, cpu_time or off_cpu_time, not {timer!r}")
    steps, seconds = _number(field, given, "NumSteps"), _number(field, given, "DurationInSeconds")
    first_step = _number(field, given, "StartStep")
    first_time = _number(field, given, "StartTimeInSecSinceEpoch")
    if first_time is not None or seconds is not None:
        return Range(first_time=first_time, seconds=seconds or MOST_SECONDS, timer=TIMERS[timer])
    return Range(int(steps or 1), None if first_step is None else int(first_step), timer=TIMERS[timer])


def _number(field: str, given: Mapping[str, Any], name: str) -> float | None:
    if name not in given:
        return None
    try:
        value = float(given[name])
    except (TypeError, ValueError):
        value = -1.0
    if not 0 <= value < 1e12:
        raise ValueError(f"{field}: {name} is a number from 0 on, not {given[name]!r}")
    return value


def _mapping(field: str, text: Any) -> Mapping[str, Any]:
    """The object that a string holds: as JSON, or as Amazon's examples have it, with comments and commas at its end."""
    found = text
    if isinstance(text, str) and len(text) <= _LONGEST:
        try:
            found = json.loads(text)
        except ValueError:
            try:
                found = ast.literal_eval(text.strip())
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                found = None
    if not isinstance(found, Mapping) or not all(isinstance(name, str) for name in found):
        raise ValueError(f"{field} is a string that holds an object in JSON, not {str(text)[:80]!r}")
    return found
