"""What a training did, and when: a row for each step, phase, operator or call, in the columns of an Arrow table."""

from typing import Final

import pyarrow as pa

from epochwatch.profiler.phases import STEP_PHASES, Phase

__all__ = ["SCHEMA", "STEP_PHASES", "Phase"]

_NAME: Final = pa.dictionary(pa.int32(), pa.string())
SCHEMA: Final = pa.schema(
    [
        ("start", pa.int64()),  # Unix microseconds
        ("duration", pa.int64()),  # microseconds
        ("step", pa.int64()),  # of all modes together, from 0; -1 where it belongs to none
        ("mode", pa.int8()),  # the value of a ModeKeys
        ("phase", _NAME),  # a Phase
        ("name", _NAME),  # of the thing itself: an operator, a function, a file; the phase's own where it has none
        ("node", _NAME),  # algo-1
        ("rank", pa.int32()),  # of the process in its training; -1 if unknown
        ("process", pa.int64()),
        ("thread", pa.int64()),  # below 0 where calls were added up: -3 for three of them
        ("bytes", pa.int64()),  # moved or allocated; 0 if that says nothing
    ]
)
