"""What rules take out of tables of events."""

from collections import defaultdict
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from epochwatch.profiler.events import Phase


def is_phase(events: pa.Table, *phases: Phase) -> Any:
    """A mask of the events of some phases."""
    return pc.is_in(pc.cast(events["phase"], pa.string()), pa.array([phase.value for phase in phases]))


def seconds_by(events: pa.Table, *columns: str) -> dict[tuple[Any, ...], float]:
    """The seconds of events by the values of some columns."""
    found = defaultdict[tuple[Any, ...], float](float)
    if len(events):
        sums = events.unify_dictionaries().group_by(list(columns)).aggregate([("duration", "sum")])
        keys = zip(*(sums[column].to_pylist() for column in columns), strict=True)
        for key, microseconds in zip(keys, sums["duration_sum"].to_pylist(), strict=True):
            found[key] += microseconds / 1e6
    return dict(found)
