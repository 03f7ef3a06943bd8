"""Times as SageMaker Debugger's client takes and shows them."""

from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from epochwatch.debugger.exceptions import SMDebugTypeError


class TimeUnits(Enum):
    """What a time since 1970 is counted in."""

    SECONDS = 1
    MILLISECONDS = 2
    MICROSECONDS = 3
    NANOSECONDS = 4


_PER_MICROSECOND: Final = {
    TimeUnits.SECONDS: 1_000_000.0,
    TimeUnits.MILLISECONDS: 1_000.0,
    TimeUnits.MICROSECONDS: 1.0,
    TimeUnits.NANOSECONDS: 0.001,
}


def microseconds(time: float, unit: TimeUnits = TimeUnits.MICROSECONDS) -> int:
    """A time since 1970 in whole microseconds. Raises SMDebugTypeError for what is no unit."""
    if not isinstance(unit, TimeUnits):
        raise SMDebugTypeError(f"unit is one of TimeUnits, not {unit!r}")
    return int(time if unit is TimeUnits.MICROSECONDS else time * _PER_MICROSECOND[unit])


def shown(times: ArrayLike) -> list[str]:
    """Unix microseconds as ``2020-07-13T17:50:24:718694``, in UTC."""
    moments = np.asarray(times, np.float64).astype(np.int64).astype("datetime64[us]")
    return [f"{text[:19]}:{text[20:]}" for text in np.datetime_as_string(moments, "us").tolist()]


def us_since_epoch_to_human_readable_time(us_since_epoch: float) -> str:
    """One of them."""
    return shown([us_since_epoch])[0]
