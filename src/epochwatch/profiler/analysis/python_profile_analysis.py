"""What a training's Python did, function by function, from one step or time to another."""

import json
import pstats
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import pandas as pd

from epochwatch.debugger.exceptions import SMDebugTypeError
from epochwatch.profiler.analysis.python_stats import (
    CPROFILE_NAME,
    PYINSTRUMENT_NAME,
    LocalPythonStatsReader,
    PythonProfileModes,
    S3PythonStatsReader,
    StepPhase,
    StepPythonProfileStats,
)
from epochwatch.profiler.analysis.stats_file import Function, Timing, read_stats

_MICROSECONDS = 1_000_000


class Metrics(Enum):
    """What functions are sorted by."""

    TOTAL_TIME = "tottime"
    """Seconds in the function itself."""
    CUMULATIVE_TIME = "cumtime"
    """Seconds in it and what it calls."""
    PRIMITIVE_CALLS = "pcalls"
    """Calls that are not recursive."""
    TOTAL_CALLS = "ncalls"


class cProfileFunctionStats:  # noqa: N801 (smdebug's name)
    """One function, as ``file:line(name)``."""

    def __init__(self, key: Function, value: Timing) -> None:
        self.function_name = pstats.func_std_string(key)  # type: ignore[attr-defined]
        self.prim_calls, self.total_calls, self.total_time, self.cumulative_time, callers = value
        self.callers = [pstats.func_std_string(caller) for caller in callers]  # type: ignore[attr-defined]

    def as_dict(self) -> dict[str, Any]:
        """Its name, calls and seconds."""
        return {
            "function name": self.function_name,
            "# of primitive calls": self.prim_calls,
            "# of total calls": self.total_calls,
            "total time": self.total_time,
            "cumulative time": self.cumulative_time,
        }

    def __repr__(self) -> str:
        return repr(self.as_dict())


class cProfileStats:  # noqa: N801 (smdebug's name)
    """Profiles added up: ``ps`` is pstats' own, ``function_stats_list`` each function."""

    def __init__(self, ps: pstats.Stats) -> None:
        self.ps = ps
        stats: dict[Function, Timing] = ps.stats  # type: ignore[attr-defined]
        self.function_stats_list = [cProfileFunctionStats(key, value) for key, value in stats.items()]

    def print_top_n_functions(self, by: Metrics, n: int = 10) -> None:
        """Print the ``n`` first functions by a metric. Raises SMDebugTypeError for what is none."""
        if not isinstance(by, Metrics) or not isinstance(n, int):
            raise SMDebugTypeError(
                f"functions are shown by one of Metrics, and a number of them: not {by!r}, {n!r}"
            )
        self.ps.sort_stats(by.value).print_stats(n)

    def get_function_stats(self) -> pd.DataFrame:
        """A row for each function."""
        return pd.DataFrame([function.as_dict() for function in self.function_stats_list])


class PyinstrumentStepStats:
    """A profile of pyinstrument: its tree of calls, and the file that shows it."""

    def __init__(self, html_file_path: str | None, json_stats: dict[str, Any]) -> None:
        self.html_file_path = html_file_path
        self.json_stats = json_stats


StatsT = TypeVar("StatsT")


class PythonProfileAnalysis(ABC, Generic[StatsT]):
    """Profiles in ``local_profile_dir`` (``.../framework/<framework>/<profiler>``), or those below a job's
    ``profiler-output`` in S3, which are copied there.
    """

    name: ClassVar[str]

    def __init__(self, local_profile_dir: str = "/tmp/python_stats", s3_path: str | None = None) -> None:  # noqa: S108
        self.python_stats_reader = (
            S3PythonStatsReader(local_profile_dir, s3_path)
            if s3_path
            else LocalPythonStatsReader(local_profile_dir)
        )
        self.python_profile_stats: list[StepPythonProfileStats] = []
        self._refresh()

    def _refresh(self) -> None:
        found = self.python_stats_reader.load_python_profile_stats()
        self.python_profile_stats = [one for one in found if one.profiler_name == self.name]

    @abstractmethod
    def _aggregate_stats(self, stats: list[StepPythonProfileStats]) -> StatsT | None:
        """What some profiles say together; None without any."""

    def _fetch(
        self, node_id: str, refresh_stats: bool, wanted: Callable[[StepPythonProfileStats], bool]
    ) -> StatsT | None:
        if refresh_stats:
            self._refresh()
        if node_id == "any" and self.python_profile_stats:
            node_id = self.python_profile_stats[0].node_id
        found = [one for one in self.python_profile_stats if one.has_node_id(node_id) and wanted(one)]
        return self._aggregate_stats(found) if found else None

    def fetch_profile_stats_by_step(
        self,
        start_step: int,
        end_step: int | None = None,
        mode: PythonProfileModes = PythonProfileModes.TRAIN,
        start_phase: StepPhase = StepPhase.STEP_START,
        end_phase: StepPhase = StepPhase.STEP_END,
        node_id: str = "any",
        refresh_stats: bool = True,
    ) -> StatsT | None:
        """From one step to another or of one, of the first node there is if none is named; None without any."""
        last = start_step if end_step is None else end_step
        return self._fetch(
            node_id,
            refresh_stats,
            lambda one: (
                one.in_step_interval(start_step, last, start_phase, end_phase)
                and one.has_start_and_end_mode(mode, mode)
            ),
        )

    def fetch_profile_stats_by_time(
        self,
        start_time_since_epoch_in_secs: float,
        end_time_since_epoch_in_secs: float,
        node_id: str = "any",
        refresh_stats: bool = True,
    ) -> StatsT | None:
        """Those of which any lies between two times (Unix seconds)."""
        start, end = (
            time * _MICROSECONDS for time in (start_time_since_epoch_in_secs, end_time_since_epoch_in_secs)
        )
        return self._fetch(node_id, refresh_stats, lambda one: one.in_time_interval(start, end))

    def fetch_profile_stats_between_modes(
        self,
        start_mode: PythonProfileModes,
        end_mode: PythonProfileModes,
        node_id: str = "any",
        refresh_stats: bool = True,
    ) -> StatsT | None:
        """Those that began in one mode and ended in another."""
        return self._fetch(node_id, refresh_stats, lambda one: one.has_start_and_end_mode(start_mode, end_mode))

    def fetch_pre_step_zero_profile_stats(self, node_id: str = "any", refresh_stats: bool = True) -> StatsT | None:
        """What was done before the first step."""
        return self._fetch(node_id, refresh_stats, StepPythonProfileStats.has_pre_step_zero_profile_stats)

    def fetch_post_hook_close_profile_stats(
        self, node_id: str = "any", refresh_stats: bool = True
    ) -> StatsT | None:
        """What was done after the last step."""
        return self._fetch(node_id, refresh_stats, StepPythonProfileStats.has_post_hook_close_profile_stats)

    def list_profile_stats(self, refresh_stats: bool = True) -> pd.DataFrame:
        """A row for each profile: when, where and by which profiler it was taken, and its file."""
        if refresh_stats:
            self._refresh()
        table = pd.DataFrame([vars(one) for one in self.python_profile_stats])
        for column in ("start_mode", "end_mode"):
            if column in table:
                table[column] = [
                    getattr(one, column).name.replace("_", "").lower() for one in self.python_profile_stats
                ]
        return table

    def list_available_node_ids(self, refresh_stats: bool = True) -> list[str]:
        """Those with profiles."""
        if refresh_stats:
            self._refresh()
        return sorted({one.node_id for one in self.python_profile_stats})


class cProfileAnalysis(PythonProfileAnalysis[cProfileStats]):  # noqa: N801 (smdebug's name)
    """Of Python's own profiler."""

    name = CPROFILE_NAME

    def _aggregate_stats(self, stats: list[StepPythonProfileStats]) -> cProfileStats | None:
        whole = pstats.Stats()
        for one in stats:
            try:
                whole.add(read_stats(Path(one.stats_path).read_bytes()))
            except ValueError as error:
                raise ValueError(f"{one.stats_path}: {error}") from error
        return cProfileStats(whole)

    def fetch_profile_stats_by_training_phase(
        self, node_id: str = "any", refresh_stats: bool = True
    ) -> dict[tuple[PythonProfileModes, PythonProfileModes], cProfileStats]:
        """By the modes in which profiles began and ended."""
        if refresh_stats:
            self._refresh()
        pairs = ((start, end) for start in PythonProfileModes for end in PythonProfileModes)
        found = {
            pair: self.fetch_profile_stats_between_modes(*pair, node_id, refresh_stats=False) for pair in pairs
        }
        return {pair: stats for pair, stats in found.items() if stats is not None}

    def fetch_profile_stats_by_job_phase(
        self, node_id: str = "any", refresh_stats: bool = True
    ) -> dict[str, cProfileStats]:
        """``initialization``, ``training_loop`` and ``finalization``."""
        parts: dict[str, pstats.Stats] = {"training_loop": pstats.Stats()}
        for (start, end), stats in self.fetch_profile_stats_by_training_phase(node_id, refresh_stats).items():
            if start is PythonProfileModes.PRE_STEP_ZERO:
                part = "initialization"
            elif end is PythonProfileModes.POST_HOOK_CLOSE:
                part = "finalization"
            else:
                part = "training_loop"
            parts.setdefault(part, pstats.Stats()).add(stats.ps)
        return {part: cProfileStats(stats) for part, stats in parts.items()}


class PyinstrumentAnalysis(PythonProfileAnalysis[list[PyinstrumentStepStats]]):
    """Of pyinstrument."""

    name = PYINSTRUMENT_NAME

    def _aggregate_stats(self, stats: list[StepPythonProfileStats]) -> list[PyinstrumentStepStats] | None:
        found = []
        for one in stats:
            path = Path(one.stats_path)
            if path.suffix == ".json":
                try:
                    tree = json.loads(path.read_bytes())
                except ValueError as error:
                    raise ValueError(f"{path} is no profile of pyinstrument: {error}") from error
                page = path.with_suffix(".html")
                found.append(PyinstrumentStepStats(str(page) if page.exists() else None, tree))
        return found
