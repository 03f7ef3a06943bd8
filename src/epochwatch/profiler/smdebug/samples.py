"""System metrics as a table: a row for each time at which a machine was looked at, under the sampler's names."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from epochwatch.model.host_samples import Samples
from epochwatch.model.sampling import PROFILER_INTERVAL
from epochwatch.profiler.smdebug.layout import SECOND
from epochwatch.profiler.smdebug.system_event import ProfilerSystemEvent
from epochwatch.profiler.smdebug.things import NETWORK, PLATFORM, column_of

SNAPSHOT: Final = 20_000
"""Microseconds by which the events of one look at a machine are apart at most."""
_SUMS: Final = {"cpu.busy": re.compile(r"cpu\.\d+\.busy"), "cpu.iowait": re.compile(r"cpu\.\d+\.iowait")}


def looks_of(events: Sequence[ProfilerSystemEvent]) -> Samples:
    """The rows of one node, as it said them: what came within 20 ms is one row, as long as nothing came twice."""
    things = [(event.type, event.name, event.dimension) for event in events]
    numbers = {thing: number for number, thing in enumerate(dict.fromkeys(things))}
    code = np.fromiter(map(numbers.__getitem__, things), np.int64, len(events))
    micros = np.fromiter((event.timestamp for event in events), np.float64, len(events)) * SECOND
    value = np.fromiter((event.value for event in events), np.float32, len(events))
    order = np.argsort(micros, kind="stable")
    times, code, value = np.rint(micros[order]).astype(np.int64), code[order], value[order]
    row, first = _rows(times, code, len(numbers))
    table = np.full((len(numbers), len(first)), np.nan, np.float32)
    table[code, row] = value
    values = dict(zip(map(column_of, numbers), table, strict=True))
    units = {name: "Bytes" if name in (NETWORK, PLATFORM) else "Percent" for name in values}
    return Samples(times[first], np.zeros(len(first), np.float32), values, units)


def _rows(
    times: NDArray[np.int64], code: NDArray[np.int64], codes: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The row of each event, and the first event of each row."""
    look = np.cumsum(np.diff(times, prepend=times[:1]) > SNAPSHOT)
    same = look * codes + code
    order = np.argsort(same, kind="stable")
    begins = np.flatnonzero(np.diff(same[order], prepend=-1))
    again = np.empty(len(times), np.int64)
    again[order] = np.arange(len(times)) - np.repeat(begins, np.diff(begins, append=len(times)))
    _, first, row = np.unique(look * (again.max(initial=0) + 1) + again, return_index=True, return_inverse=True)
    return row, first


def completed(looks: Samples) -> Samples:
    """With what follows from neighbouring rows and columns: the seconds of each, rates, the sums of cores."""
    seconds = seconds_between(looks.times)
    values = {name: column for name, column in looks.values.items() if name != PLATFORM}
    network = looks.values.get(NETWORK, looks.values.get(PLATFORM))
    if network is not None:
        values[NETWORK] = network / seconds
    for name, pattern in _SUMS.items():
        cores = [column for core, column in values.items() if pattern.fullmatch(core)]
        if cores:
            unknown = np.isnan(cores).all(axis=0)
            values[name] = np.where(unknown, np.float32(np.nan), np.nansum(cores, axis=0))
    units = {name: "Bytes/Second" if name == NETWORK else "Percent" for name in values}
    return Samples(looks.times, seconds, values, units)


def seconds_between(times: NDArray[np.int64]) -> NDArray[np.float32]:
    """Over which each row's values are: since the row before, or as long as to the next where sampling had paused."""
    if len(times) < 2:
        return np.full(len(times), PROFILER_INTERVAL / 1000, np.float32)
    since = np.maximum(np.diff(times), 1) / SECOND
    after = np.append(since[1:], since[-1])
    since = np.where(since > 3 * after, after, since)
    return np.concatenate([since[:1], since]).astype(np.float32)
