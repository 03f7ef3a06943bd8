"""Opens a trial, whichever of the two formats it is in."""

import logging
import time
from typing import TYPE_CHECKING, Literal, overload

from epochwatch.debugger.exceptions import MissingCollectionFiles, SMDebugNotImplementedError, SMDebugValueError
from epochwatch.debugger.places import Place, open_place
from epochwatch.debugger.smdebug import layout
from epochwatch.debugger.smdebug.reader import SmdebugSource
from epochwatch.debugger.source import Source, training_ended
from epochwatch.debugger.trial import PAUSE_SECONDS, PAUSES_BEFORE_WARNING, Trial

if TYPE_CHECKING:
    from epochwatch.profiler.smdebug.profiler_trial import ProfilerTrial

_LOG = logging.getLogger(__name__)


@overload
def create_trial(
    path: str,
    name: str | None = None,
    profiler: Literal[False] = False,
    output_dir: str = ...,
    *,
    range_steps: tuple[int | None, int | None] | None = None,
    check: bool | Literal["minimal", "full", "none"] = "minimal",
    index_mode: bool = True,
    cache: bool = False,
) -> Trial: ...


@overload
def create_trial(
    path: str, name: str | None = None, *, profiler: Literal[True], output_dir: str = ...
) -> "ProfilerTrial": ...


def create_trial(
    path: str,
    name: str | None = None,
    profiler: bool = False,
    output_dir: str = "/opt/ml/processing/outputs/",
    *,
    range_steps: tuple[int | None, int | None] | None = None,
    check: bool | Literal["minimal", "full", "none"] = "minimal",
    index_mode: bool = True,
    cache: bool = False,
) -> "Trial | ProfilerTrial":
    """The trial in a directory or below ``s3://bucket/prefix``; its name is the path's last part if not given.

    ``range_steps`` keeps it to global steps from its first up to, not including, its second. ``cache`` keeps each
    array that was read. ``check`` says which checksums of smdebug's files are compared: of lengths and of the
    constant it writes (``minimal``), real ones (``full``), or none. With ``profiler`` it is the trial of a job's
    ``profiler-output``, whose rules leave what they find in ``output_dir``. Raises SMDebugValueError for a bad range.
    """
    if profiler:
        from epochwatch.profiler.smdebug.profiler_trial import ProfilerTrial

        return ProfilerTrial(name or _last_part(path), path.strip(), output_dir)
    if not index_mode:
        raise SMDebugNotImplementedError("trials are read by their index files: index_mode must be True")
    _check_range(range_steps)
    path = path.strip()
    place = open_place(path)
    source: Source
    if _is_ours(place):
        from epochwatch.debugger.store.reader import StoreSource

        source = StoreSource(place, range_steps)
    else:
        source = SmdebugSource(place, range_steps, check if isinstance(check, str) else "minimal")
    return Trial(name or _last_part(path), path, source, cache)


def _last_part(path: str) -> str:
    return path.strip().rstrip("/").rsplit("/", 1)[-1]


def _is_ours(place: Place) -> bool:
    """Waits for the first file of a trial; the mark of our own format comes before all others."""
    pauses = 0
    while not place.names(layout.COLLECTIONS):
        if training_ended(place):
            raise MissingCollectionFiles
        pauses += 1
        if pauses == PAUSES_BEFORE_WARNING:
            _LOG.warning("still waiting for a training to write its collections: is the path right?")
        time.sleep(PAUSE_SECONDS)
    return place.exists(layout.OWN_FORMAT)


def _check_range(range_steps: tuple[int | None, int | None] | None) -> None:
    if range_steps is None:
        return
    begin, end = range_steps
    for step in (begin, end):
        if step is not None and (not isinstance(step, int) or step < 0):
            raise SMDebugValueError(f"range_steps holds steps from 0 or None, not {step!r}")
    if begin is not None and end is not None and end <= begin:
        raise SMDebugValueError("range_steps should be of the form (begin, end) where begin is less than end")
