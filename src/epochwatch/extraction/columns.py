"""Extracted values as the columns that run points travel in."""

from array import array

from epochwatch.extraction.extractor import Extracted
from epochwatch.model.batch import RunPoints
from epochwatch.model.metric import NO_UNIT


def run_points(extracted: Extracted, source: str, positions: bytes, timestamps: bytes) -> RunPoints:
    """The values of ``source``; ``positions`` (uint64) and ``timestamps`` (int64, Unix microseconds) are theirs."""
    used = sorted(set(extracted.name_ids))
    place = {name_id: number for number, name_id in enumerate(used)}
    series = [extracted.series[name_id] for name_id in used]
    return RunPoints(
        source=source,
        positions=positions,
        names=[one.name for one in series],
        metrics=array("I", [place[name_id] for name_id in extracted.name_ids]).tobytes(),
        steps=extracted.steps.tobytes(),
        epochs=extracted.epochs.tobytes(),
        timestamps=timestamps,
        values=extracted.values.tobytes(),
        dimensions=[list(one.dimensions) for one in series] if any(one.dimensions for one in series) else [],
        units=[one.unit for one in series] if any(one.unit != NO_UNIT for one in series) else [],
        resolutions=[one.resolution for one in series] if any(one.resolution != 1 for one in series) else [],
    )
