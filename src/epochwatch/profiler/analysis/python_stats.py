"""Where profiles of a training's Python lie, and from when to when each was taken:

``framework/<framework>/<profiler>/<node>/<mode>-<step>-<phase>-<microseconds>_<the same of its end>/python_stats``
"""

from enum import Enum, IntEnum
from pathlib import Path
from typing import Any, Final

from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.debugger.places import open_place
from epochwatch.profiler.smdebug.layout import FRAMEWORK

CPROFILE_NAME: Final = "cprofile"
PYINSTRUMENT_NAME: Final = "pyinstrument"
_PROFILERS: Final = {
    "python_stats": CPROFILE_NAME,
    "python_stats.json": PYINSTRUMENT_NAME,
    "python_stats.html": PYINSTRUMENT_NAME,
}
"""By what a file is called."""


class PythonProfileModes(IntEnum):
    """What the training did when a profile began or ended."""

    TRAIN = 1
    EVAL = 2
    PREDICT = 3
    GLOBAL = 4
    PRE_STEP_ZERO = 5
    POST_HOOK_CLOSE = 6


class StepPhase(Enum):
    """Where in a step a profile began or ended."""

    START = "start"
    STEP_START = "stepstart"
    FORWARD_PASS_END = "forwardpassend"  # noqa: S105
    STEP_END = "stepend"
    END = "end"


_MODES: Final = {mode.name.replace("_", "").lower(): mode for mode in PythonProfileModes}


class StepPythonProfileStats:
    """One profile. Raises ValueError where the folder's name says something else."""

    def __init__(self, framework: str, profiler_name: str, node_id: str, stats_dir: str, stats_path: str) -> None:
        try:
            begin, end = ((*part.split("-", 3),) for part in stats_dir.split("_"))
            self.profiler_name, self.framework, self.node_id = profiler_name, framework, node_id
            self.start_mode, step, self.start_phase, self.start_time_since_epoch_in_micros = _moment(*begin)
            self.start_step: float = -1 if step is None else step
            self.end_mode, step, self.end_phase, self.end_time_since_epoch_in_micros = _moment(*end)
            self.end_step: float = float("inf") if step is None else step
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{stats_dir!r} is no folder of a profile of Python: {error}") from error
        self.stats_path = stats_path

    def has_start_and_end_mode(self, start_mode: PythonProfileModes, end_mode: PythonProfileModes) -> bool:
        """Whether it began and ended in these."""
        return self.start_mode == start_mode and self.end_mode == end_mode

    def in_time_interval(self, start: float, end: float) -> bool:
        """Whether any of it lies between two times (Unix microseconds)."""
        return self.start_time_since_epoch_in_micros <= end and self.end_time_since_epoch_in_micros >= start

    def in_step_interval(
        self, start_step: int, end_step: int, start_phase: StepPhase, end_phase: StepPhase
    ) -> bool:
        """Whether it lies between these points of two steps."""
        if start_step > self.start_step or end_step < self.end_step:
            return False
        late = start_phase in (StepPhase.STEP_END, StepPhase.FORWARD_PASS_END)
        if start_step == self.start_step and late and self.start_phase is not start_phase:
            return False
        early = end_phase is StepPhase.STEP_START
        return not (end_step == self.end_step and early and self.end_phase is not end_phase)

    def has_pre_step_zero_profile_stats(self) -> bool:
        """Whether it began before the first step."""
        return self.start_phase is StepPhase.START

    def has_post_hook_close_profile_stats(self) -> bool:
        """Whether it lasted to the end of the script."""
        return self.end_phase is StepPhase.END

    def has_node_id(self, node_id: str) -> bool:
        """Whether it is of this node."""
        return self.node_id == node_id

    def __repr__(self) -> str:
        return repr(vars(self))


def _moment(
    mode: str, step: str, phase: str, time: str
) -> tuple[PythonProfileModes, int | None, StepPhase, float]:
    return _MODES[mode], None if step == "*" else int(step), StepPhase(phase), float(time)


class PythonStatsReader:
    """Finds the profiles of one framework and profiler: ``profile_dir`` holds a folder for each node."""

    def __init__(self, profile_dir: str) -> None:
        if not Path(profile_dir).is_dir():
            raise SMDebugValueError(f"there is no directory {profile_dir}")
        self.profile_dir = profile_dir

    def load_python_profile_stats(self) -> list[StepPythonProfileStats]:
        """All that are there, in the order of their beginnings."""
        root = Path(self.profile_dir)
        framework = root.absolute().parent.name
        found = [path for path in root.glob("*/*/*") if path.name in _PROFILERS]
        return _sorted(_profile(framework, path.parts[-3], path.parts[-2], path) for path in found)


LocalPythonStatsReader = PythonStatsReader


class S3PythonStatsReader(PythonStatsReader):
    """Copies the profiles below a job's ``profiler-output`` in S3 into ``python_stats`` of a directory."""

    def __init__(self, profile_dir: str, s3_path: str) -> None:
        super().__init__(profile_dir)
        if not s3_path.startswith("s3://"):
            raise SMDebugValueError(f"the path of profiles in S3 is s3://bucket/folder, not {s3_path!r}")
        self.profile_dir = str(Path(profile_dir) / "python_stats")
        self._place = open_place(s3_path)

    def load_python_profile_stats(self) -> list[StepPythonProfileStats]:
        """All that are there now, in the order of their beginnings."""
        found = []
        for name in self._place.names(FRAMEWORK):
            parts = name.split("/")
            if len(parts) == 6 and parts[-1] in _PROFILERS and not {"", ".", ".."} & set(parts):
                _, framework, _, node, folder, file = parts
                path = Path(self.profile_dir) / framework / node / folder / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self._place.read(name))
                found.append(_profile(framework, node, folder, path))
        return _sorted(found)


def _profile(framework: str, node: str, folder: str, path: Path) -> StepPythonProfileStats:
    return StepPythonProfileStats(framework, _PROFILERS[path.name], node, folder, str(path))


def _sorted(found: Any) -> list[StepPythonProfileStats]:
    return sorted(found, key=lambda one: (one.start_time_since_epoch_in_micros, one.node_id))
