"""Statistics of a profile's tables."""

from collections.abc import Sequence
from enum import Enum
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from epochwatch.debugger.exceptions import SMDebugTypeError, SMDebugValueError

_STEP: Final = "Step:ModeKeys"
_QUANTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_RANGES: Final = [(90, 100), (10, 90), (0, 10)]


class StatsBy(Enum):
    """What statistics are told apart by."""

    TRAINING_PHASE = "training_phase"
    """Training, evaluation, ..."""
    FRAMEWORK_METRICS = "framework_metric"
    """The names of events."""
    PROCESS = "process"
    """The phases of events."""


class Resource(Enum):
    """The types of system metrics."""

    CPU = "cpu"
    GPU = "gpu"
    IO = "i/o"
    NETWORK = "network"
    MEMORY = "memory"


class JobStats(dict[str, Any]):
    """Statistics of a job; each is an attribute, too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __repr__(self) -> str:
        return repr(pd.DataFrame({"": pd.Series(dict(self))}))


class PandasFrameAnalysis:
    """``system_df`` and ``framework_df`` are tables of PandasFrame; they stay as they are. Events without a step get
    that of their node in which they begin and end.
    """

    def __init__(self, system_df: pd.DataFrame, framework_df: pd.DataFrame) -> None:
        self.sys_metrics_df = system_df
        self.framework_metrics_df = framework_df.assign(
            duration_us=framework_df["end_time_us"] - framework_df["start_time_us"],
            step=_steps_of(framework_df),
        )

    def get_job_statistics(self) -> JobStats:
        """When the job and its steps began and ended; how long it began, trained and ended, in microseconds and in
        percent of its time. Raises SMDebugValueError where there are no system metrics or no steps.
        """
        system, events = self.sys_metrics_df, self.framework_metrics_df
        steps = events[
            events["framework_metric"].isin([f"{_STEP}.TRAIN", f"{_STEP}.GLOBAL"]) & (events["step"] >= 0)
        ]
        if system.empty or steps.empty:
            raise SMDebugValueError("statistics of a job need its system metrics and steps of training")
        first = steps.iloc[int(steps["start_time_us"].to_numpy().argmin())]
        begin, end = system["timestamp_us"].min(), system["timestamp_us"].max()
        last = events["end_time_us"].max()
        duration = end - begin
        parts = {
            "initialization": first["start_time_us"],
            "training_loop": last - first["start_time_us"],
            "finalization": end - last,
        }
        return JobStats(
            start_time=system["timestamp"].min(),
            end_time=system["timestamp"].max(),
            job_duration=duration,
            training_loop_start=first["start_time"],
            training_loop_end=events["end_time"].max(),
            training_loop_duration=parts["training_loop"],
            initialization=parts["initialization"],
            finalization=parts["finalization"],
            **{f"{name}_%": part / duration * 100 for name, part in parts.items()},
        )

    def get_step_statistics(self, by: StatsBy = StatsBy.TRAINING_PHASE) -> pd.DataFrame:
        """Mean, least, greatest and percentiles of what steps took, in microseconds: of steps of each training phase,
        or from the first to the last of each name or phase within a step. Raises SMDebugTypeError for another ``by``.
        """
        _check(by, StatsBy, "by")
        events, column = self.framework_metrics_df, by.value
        if by is StatsBy.TRAINING_PHASE:
            column = StatsBy.FRAMEWORK_METRICS.value
            events = events[events[column].str.contains(_STEP, regex=False)]
        spans = events.groupby(["step", column], sort=False).agg(
            begin=("start_time_us", "min"), end=("end_time_us", "max")
        )
        found = _described((spans["end"] - spans["begin"]).groupby(level=column))
        found.columns = pd.Index([f"duration_{name}_us" for name in found.columns])
        return found.rename_axis(by.value).reset_index()

    def get_utilization_stats(
        self,
        resource: Resource | Sequence[Resource] | None = None,
        by: StatsBy | None = None,
        phase: str | Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """Mean, least, greatest and percentiles of each resource on each node; by training phase those of the
        intervals that ``get_training_phase_intervals`` tells of. Raises SMDebugTypeError for what is none of these.
        """
        resources = (
            list(Resource) if resource is None else [resource] if isinstance(resource, Resource) else resource
        )
        for one in resources:
            _check(one, Resource, "resource")
        system, keys = self.sys_metrics_df, ["nodeID"]
        if by is not None:
            _check(by, StatsBy, "by")
        if by is StatsBy.TRAINING_PHASE:
            intervals = self.get_training_phase_intervals(phase)
            system = system.assign(Training_phase=_phases_at(system["timestamp_us"], intervals))
            system, keys = system[system["Training_phase"].notna()], ["Training_phase", "nodeID"]
        found = []
        for one in resources:
            values = system[system["type"] == one.value]
            if not values.empty:
                table = _described(values.groupby(keys, observed=True)["value"]).reset_index()
                table[keys] = table[keys].astype(str)
                table = table.sort_values(keys)
                table.insert(0, "Resource", one.value)
                found.append(table)
        names = {name: f"utilization_{name}" for name in ("mean", "min", "max", *_QUANTILES)}
        columns = ["Resource", *keys, *names.values()]
        tables = [table.rename(columns=names)[columns] for table in found]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)

    def get_device_usage_stats(
        self,
        device: Resource | Sequence[Resource] | None = None,
        utilization_ranges: Sequence[tuple[float, float]] | None = None,
    ) -> pd.DataFrame:
        """How many values of each type and node lie in each range, both ends included; one in two of them counts for
        the first. Raises SMDebugTypeError and SMDebugValueError for what is no device and no range.
        """
        devices = (
            [Resource.CPU, Resource.GPU]
            if device is None
            else [device]
            if isinstance(device, Resource)
            else device
        )
        for one in devices:
            _check(one, Resource, "device")
        ranges = _RANGES if utilization_ranges is None else list(utilization_ranges)
        if not ranges or any(len(one) != 2 for one in ranges):
            raise SMDebugValueError(f"utilization_ranges are pairs of a lowest and a highest value, not {ranges}")
        system = self.sys_metrics_df
        system = system[system["type"].isin([one.value for one in devices])]
        value = system["value"].to_numpy()
        code = np.select([(low <= value) & (value <= high) for low, high in ranges], range(len(ranges)), -1)
        counts = pd.crosstab([system["type"], system["nodeID"]], code)
        kept = [number for number in sorted(set(code.tolist()), key=lambda number: ranges[number]) if number >= 0]
        table = counts[kept]
        table.columns = pd.Index([ranges[number] for number in kept], tupleize_cols=False, name="ranges")
        return table[(table > 0).any(axis=1)].reset_index()

    def get_training_phase_intervals(self, phase: str | Sequence[str] | None = None) -> pd.DataFrame:
        """``start_time_us``, ``end_time_us`` and ``phase``: before the first, between and after the steps of the
        phases (``Step:ModeKeys.TRAIN``), or of all; of several phases, steps of one in a row are one interval. Raises
        SMDebugValueError where there is none of them.
        """
        events = self.framework_metrics_df
        there = [name for name in events["process"].unique() if _STEP in str(name)]
        wanted = there if phase is None else [phase] if isinstance(phase, str) else list(phase)
        known = [name for name in wanted if name in set(events["process"])]
        if not known:
            raise SMDebugValueError(f"there are no steps of {wanted or 'any phase'}; there are those of {there}")
        steps = events[events["framework_metric"].isin(known)]
        names = steps["framework_metric"].to_numpy(str)
        start, end = steps["start_time_us"].to_numpy(), steps["end_time_us"].to_numpy()
        if len(known) > 1 and len(names):
            first = np.flatnonzero(np.concatenate([[True], names[1:] != names[:-1]]))
            start, end, names = np.minimum.reduceat(start, first), np.maximum.reduceat(end, first), names[first]
        return self._with_gaps(start, end, names)

    def _with_gaps(self, start: NDArray[Any], end: NDArray[Any], names: NDArray[Any]) -> pd.DataFrame:
        times = self.sys_metrics_df["timestamp_us"]
        pairs = {
            (one, two): f"Between {' and '.join(sorted((one, two)))}" for one in set(names) for two in set(names)
        }
        between = [pairs[pair] for pair in pairwise(names)]
        rows = 2 * len(names) + 1
        begins, ends, phases = np.empty(rows, start.dtype), np.empty(rows, end.dtype), np.empty(rows, object)
        begins[1::2], ends[1::2], phases[1::2] = start, end, names
        begins[2:-1:2], ends[2:-1:2], phases[2:-1:2] = end[:-1] + 1, start[1:] - 1, between
        begins[0], ends[0], phases[0] = times.min(), start[0] - 1, f"Before {names[0]}"
        begins[-1], ends[-1], phases[-1] = end[-1] + 1, times.max(), f"After {names[-1]}"
        return pd.DataFrame({"start_time_us": begins, "end_time_us": ends, "phase": phases})


def _check(value: Any, kind: type, name: str) -> None:
    if not isinstance(value, kind):
        raise SMDebugTypeError(f"{name} is one of {kind.__name__}, not {value!r}")


def _resources(said: Resource | Sequence[Resource] | None, otherwise: list[Resource], name: str) -> list[Resource]:
    found = otherwise if said is None else [said] if isinstance(said, Resource) else list(said)
    for one in found:
        _check(one, Resource, name)
    return found


def _described(groups: Any) -> pd.DataFrame:
    found = groups.agg(["mean", "min", "max"])
    quantiles = groups.quantile(list(_QUANTILES.values())).unstack()
    for name, quantile in _QUANTILES.items():
        found[name] = quantiles[quantile]
    table: pd.DataFrame = found
    return table


def _steps_of(events: pd.DataFrame) -> NDArray[np.int64]:
    step: NDArray[np.int64] = events["step"].to_numpy(np.int64).copy()
    own = events["framework_metric"].astype(str).str.contains(_STEP, regex=False).to_numpy(bool) & (step >= 0)
    start, end = events["start_time_us"].to_numpy(), events["end_time_us"].to_numpy()
    nodes, _ = pd.factorize(events["nodeID"])
    for node in range(nodes.max(initial=-1) + 1):
        rows = np.flatnonzero(nodes == node)
        steps = rows[own[rows]]
        steps = steps[np.argsort(start[steps], kind="stable")]
        without = rows[step[rows] < 0]
        if len(steps) and len(without):
            at = np.searchsorted(start[steps], start[without], "left") - 1
            within = (at >= 0) & (end[without] < end[steps[at]])
            step[without[within]] = step[steps[at[within]]]
    return step


def _phases_at(times: pd.Series, intervals: pd.DataFrame) -> pd.Series:
    """The phase of the last interval that each time is in."""
    order = np.argsort(times.to_numpy(), kind="stable")
    ordered = times.to_numpy()[order]
    code, names = pd.factorize(intervals["phase"])
    first = np.searchsorted(ordered, intervals["start_time_us"].to_numpy(), "left").tolist()
    last = np.searchsorted(ordered, intervals["end_time_us"].to_numpy(), "right").tolist()
    painted = np.full(len(times), -1, np.int64)
    for begin, end, number in zip(first, last, code.tolist(), strict=True):
        if begin < end:
            painted[begin:end] = number
    found = np.empty(len(times), np.int64)
    found[order] = painted
    return pd.Series(pd.Categorical.from_codes(found, names), times.index)
