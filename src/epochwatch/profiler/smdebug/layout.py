"""How SageMaker Debugger's profiler names its files, below a job's ``profiler-output``:

* ``system/incremental/<hour>/<Unix minute>.<node>.json``
* ``framework/pevents/<hour>/<end, Unix microseconds>_<rank or process>-<node>_<suffix>``
* ``framework/<framework>/cprofile/<rank or process>-<node>/<beginning>_<end>/python_stats``, both ends as
  ``<mode>-<step>-<place in the step>-<Unix microseconds>``

Hours are ``YYYYMMDDHH`` in UTC; files of its first releases have none.
"""

import re
from datetime import UTC, datetime
from typing import Final, NamedTuple

from epochwatch.debugger.smdebug.layout import END_OF_JOB

SYSTEM: Final = "system"
FRAMEWORK: Final = "framework"
ENDS_OF_JOB: Final = (f"{SYSTEM}/{END_OF_JOB}", f"{FRAMEWORK}/{END_OF_JOB}")
"""Files that say that nothing more comes, where smdebug looks for them."""
INCREMENTAL: Final = "system/incremental"
PEVENTS: Final = "framework/pevents"
PYTHONTIMELINE_SUFFIX: Final = "pythontimeline.json"
MODELTIMELINE_SUFFIX: Final = "model_timeline.json"
TENSORBOARDTIMELINE_SUFFIX: Final = "trace.json.gz"
HOROVODTIMELINE_SUFFIX: Final = "horovod_timeline.json"
SMDATAPARALLELTIMELINE_SUFFIX: Final = "smdataparallel_timeline.json"
MERGEDTIMELINE_SUFFIX: Final = "merged_timeline.json"
SECOND: Final = 1_000_000
_SYSTEM_NAME: Final = re.compile(r"(\d{10})\.(algo-\d+)\.json")
_TIMELINE_NAME: Final = re.compile(r"(\d+)_([^_]+)_(.+\.json)")


class ProfilerFile(NamedTuple):
    """One file of events."""

    time: int
    """Unix microseconds: of the beginning of a minute of system metrics, or of a timeline's end."""
    node: str
    """``algo-1``; of a timeline ``<rank or process>-algo-1``."""
    suffix: str
    """What a timeline is of; empty for system metrics."""
    path: str


def system_file(path: str) -> ProfilerFile | None:
    """What the path of system metrics says; None for any other file."""
    match = _SYSTEM_NAME.fullmatch(path.rpartition("/")[2])
    return ProfilerFile(int(match[1]) * SECOND, match[2], "", path) if match else None


def timeline_file(path: str) -> ProfilerFile | None:
    """What the path of a timeline says; None for any other file."""
    match = _TIMELINE_NAME.fullmatch(path.rpartition("/")[2])
    return ProfilerFile(int(match[1]), match[2], match[3], path) if match else None


def hour(seconds: float) -> str:
    """The folder of a time."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%d%H")


def system_path(minute: int, node: str) -> str:
    """Of the metrics of a minute (Unix seconds)."""
    return f"{INCREMENTAL}/{hour(minute)}/{minute:010d}.{node}.json"


def timeline_path(end: int, node: str, suffix: str) -> str:
    """Of a timeline whose last event ends at ``end`` (Unix microseconds)."""
    return f"{PEVENTS}/{hour(end // SECOND)}/{end}_{node}_{suffix}"


def node_of(number: int, node: str) -> str:
    """How the files of a process call its node: by its rank, or its id."""
    return f"{number}-{node.replace('_', '-')}"


def python_stats_path(framework: str, node: str, steps: tuple[int, int], span: tuple[int, int]) -> str:
    """Of a profile of Python's functions over whole steps of the training, the last included (Unix microseconds)."""
    begin, end = f"train-{steps[0]}-stepstart-{span[0]}", f"train-{steps[1]}-stepend-{span[1]}"
    return f"{FRAMEWORK}/{framework}/cprofile/{node}/{begin}_{end}/python_stats"
