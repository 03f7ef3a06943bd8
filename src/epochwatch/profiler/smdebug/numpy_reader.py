"""System metrics as arrays, and as files of arrays, with the names and meanings of SageMaker Debugger's reader."""

import logging
import pickle
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.debugger.places import LocalPlace, open_place
from epochwatch.profiler.smdebug.layout import SECOND
from epochwatch.profiler.smdebug.readers import S3SystemMetricsReader
from epochwatch.profiler.smdebug.system_event import ProfilerSystemEvent
from epochwatch.profiler.smdebug.time_units import TimeUnits, microseconds

Stored = list[list[int] | list[NDArray[np.int32]]]
"""Of a node: the least time in each pair of files, by which they are named, and how many values of each column."""
Accumulated = list[int | NDArray[np.int32]]
"""The same of one pair."""
_LONGEST_INTERVAL: Final = 60_000
"""Milliseconds between two samples at most."""
_MEMORY: Final = "MemoryUsedPercent"
_MOST: Final = np.iinfo(np.int32).max


class _Rows(NamedTuple):
    """Values of one node, in the order in which they were said."""

    column: NDArray[np.int64]
    time: NDArray[np.int64]
    value: NDArray[np.float64]

    def where(self, chosen: NDArray[np.bool_]) -> "_Rows":
        """Some of them."""
        return _Rows(self.column[chosen], self.time[chosen], self.value[chosen])


class S3NumpySystemMetricsReader(S3SystemMetricsReader):
    """Means of ``group_size`` samples that are ``frequency`` milliseconds apart, of each of ``n_nodes`` nodes.

    ``col_names`` are columns of the arrays, ``extra_col_names`` are in the files alone: what networks and memory say;
    both are ``<name>#<dimension>``, and ``col_dict`` has the number of each, the extra ones last. Below ``np_store``
    (a directory, or ``s3://bucket/prefix``), in a folder for each node, go files of ``store_chunk_size`` samples:
    values in ``<least time>#<node>.npy`` and times in ``<store_time_file_prefix>#<least time>#<node>.npy``; raw int32
    and int64 in a directory, pickled arrays in S3, a row for each sample and -1 where a column has no more.

    With ``accumulate_forward`` what was read forward is put into files of ``accumulate_minutes`` again.
    ``n_process`` is how many files are fetched at once.
    """

    separator = "#"
    accu_prefix = "accu_"

    def __init__(
        self,
        s3_trial_path: str,
        use_in_memory_cache: bool,
        col_names: Sequence[str],
        extra_col_names: Sequence[str],
        col_dict: Mapping[str, int],
        np_store: str,
        store_chunk_size: int,
        store_time_file_prefix: str,
        group_size: int,
        n_nodes: int,
        frequency: int,
        accumulate_forward: bool = False,
        accumulate_minutes: int = 20,
        n_process: int | None = None,
        logger: logging.Logger | None = None,
    ) -> None:
        super().__init__(s3_trial_path, use_in_memory_cache)
        self.col_names, self.extra_col_names, self.col_dict = col_names, extra_col_names, col_dict
        self.np_store, self.tprefix = np_store, store_time_file_prefix
        counts = {
            "store_chunk_size": store_chunk_size,
            "group_size": group_size,
            "n_nodes": n_nodes,
            "frequency": frequency,
            "accumulate_minutes": accumulate_minutes,
        } | ({} if n_process is None else {"n_process": n_process})
        for name, count in counts.items():
            _check(name, count)
        names = [*col_names, *extra_col_names]
        if [col_dict.get(name) for name in names] != list(range(len(names))):
            raise SMDebugValueError("col_dict numbers col_names and then extra_col_names from 0")
        self.np_chunk_size, self.group_size = store_chunk_size, group_size
        self.n_nodes, self.frequency, self.n_process = n_nodes, frequency, n_process
        if n_process is not None:
            self._at_once = n_process
        self.logger = logger or logging.getLogger(__name__)
        self.accu, self.accu_mins = accumulate_forward, accumulate_minutes
        self.accu_delta = accumulate_minutes * 60 * SECOND
        self.last_accu_start_time = 0
        self._accumulated: list[list[_Rows]] = [[] for _ in range(n_nodes)]
        self._columns = len(names)
        self._store = open_place(np_store)

    def get_group_size(self) -> int:
        """How many samples a row is the mean of."""
        return self.group_size

    def set_group_size(self, group_size: int) -> None:
        """For what is read from now on. Raises SMDebugValueError for less than 1."""
        _check("group_size", group_size)
        self.group_size = group_size

    @staticmethod
    def node_name_from_index(node_id: int) -> str:
        """The name of a node, which is counted from 0."""
        return f"algo-{node_id + 1}"

    @staticmethod
    def stored_fnames(
        node_id: int, file_min_time: int, tprefix: str, accu_prefix: str | None = None
    ) -> tuple[str, str]:
        """The names of a pair of files, of values and of times."""
        reader = S3NumpySystemMetricsReader
        values = f"{file_min_time}{reader.separator}{node_id + 1}.npy"
        begin = accu_prefix or ""
        return f"{begin}{values}", f"{begin}{tprefix}{reader.separator}{values}"

    def get_events(  # type: ignore[override]
        self, start_time: float, end_time: float, forward: bool, unit: TimeUnits = TimeUnits.MICROSECONDS
    ) -> tuple[list[NDArray[np.uint8]], list[list[int]], list[Stored], list[Accumulated | None] | None]:
        """Read what is from the first time to before the second, and put it into files.

        An array of each node: rows of ``group_size`` samples, columns of ``col_names``, what is missing as before (or
        as after) it, 0 where it is missing for minutes. Then from when to when that is (Unix microseconds), which
        files were written for each node, and which of what had been read forward before, if it was time for those.

        Raises SMDebugValueError for times that are no multiples of a row, a forward read that is as long as is
        accumulated, and a value whose column is not in ``col_dict``.
        """
        start, end = microseconds(start_time, unit), microseconds(end_time, unit)
        interval = self.frequency * 1000
        length = interval * self.group_size
        if start % length or end % length or end < start:
            raise SMDebugValueError(
                f"a time from {start} to {end} is not made of whole rows of {length} microseconds"
            )
        accumulated = self._due(start, end) if forward and self.accu else None
        nodes = self._read(start, end)
        if forward and self.accu:
            for kept, rows in zip(self._accumulated, nodes, strict=True):
                kept.append(rows)
        stored = [self._put_chunks(node, rows, start, end) for node, rows in enumerate(nodes)]
        times = np.concatenate([rows.time for rows in nodes])
        if not len(times):
            nothing = np.empty((0, len(self.col_names)), np.uint8)
            return [nothing] * self.n_nodes, [[end, end]], stored, accumulated
        first, last = int(times.min()) // length * length, int(times.max()) // length * length + length
        return [self._binned(rows, first, last) for rows in nodes], [[first, last]], stored, accumulated

    # -- reading ---------------------------------------------------------------------------------------

    def _read(self, start: int, end: int) -> list[_Rows]:
        """Of each node what is said of the time."""
        names = [self.node_name_from_index(node) for node in range(self.n_nodes)]
        files = [file for file in self._in_range(self._listed(), start, end) if file.node in names]
        found: dict[str, list[_Rows]] = {name: [_rows([], [])] for name in names}
        for file, events in zip(files, self._events_of(files), strict=True):
            rows = self._rows_of(events)
            found[file.node].append(rows.where((rows.time >= start) & (rows.time < end)))
        return [_one_after_the_other(parts) for parts in found.values()]

    def _rows_of(self, events: list[ProfilerSystemEvent]) -> _Rows:
        chosen = [
            (event, event.name or "")
            for event in events
            if event.dimension == "Algorithm" or (event.name or "").startswith((_MEMORY, "cpu", "gpu"))
        ]
        things = [f"{name}{self.separator}{event.dimension}" for event, name in chosen]
        unknown = sorted(set(things) - set(self.col_dict))
        if unknown:
            raise SMDebugValueError(f"col_dict has no column {unknown[0]}")
        rows = _rows([self.col_dict[thing] for thing in things], [event for event, _ in chosen])
        memory = np.array([name == _MEMORY for _, name in chosen], np.bool_)
        return rows._replace(value=np.where(memory, np.ceil(rows.value), rows.value))

    def _binned(self, rows: _Rows, first: int, last: int) -> NDArray[np.uint8]:
        interval = self.frequency * 1000
        table = np.full(((last - first) // interval, self._columns), np.nan)
        table[(rows.time - first) // interval, rows.column] = rows.value  # of several the last counts
        table = _filled(table[:, : len(self.col_names)], int(max(5, 3 * _LONGEST_INTERVAL / self.frequency)))
        binned: NDArray[np.float64] = table.reshape(-1, self.group_size, len(self.col_names)).mean(axis=1)
        return binned.astype(np.uint8)

    # -- files -----------------------------------------------------------------------------------------

    def _put_chunks(self, node: int, rows: _Rows, start: int, end: int) -> Stored:
        length = self.np_chunk_size * self.frequency * 1000
        chunk = (rows.time - start) // length
        times: list[int] = []
        sizes: list[NDArray[np.int32]] = []
        for number in range(-(-(end - start) // length)):
            own = rows.where(chunk == number)
            capacity = self.np_chunk_size + self.np_chunk_size // 100
            size, values, moments = _ragged(own, capacity, self._columns)
            if len(own.time) > size.sum():
                self.logger.warning(
                    "%s has samples more often than each %s ms: some are left out of its files",
                    self.node_name_from_index(node),
                    self.frequency,
                )
            if size.max() < 2:
                continue
            begin = int(moments[0, size >= 2].min())
            self._put(node, begin, values, moments)
            times.append(begin)
            sizes.append(size)
        return [times, sizes]

    def _due(self, start: int, end: int) -> list[Accumulated | None] | None:
        """Put what was accumulated into files when it is enough."""
        if end - start >= self.accu_delta:
            raise SMDebugValueError(
                f"a forward read is shorter than the {self.accu_mins} minutes that are accumulated"
            )
        self.last_accu_start_time = self.last_accu_start_time or start
        if end - self.last_accu_start_time <= self.accu_delta:
            return None
        found: list[Accumulated | None] = []
        for node, kept in enumerate(self._accumulated):
            rows = _one_after_the_other([_rows([], []), *kept])
            longest = int(np.bincount(rows.column).max(initial=0))
            if not longest:
                found.append(None)
                continue
            size, values, moments = _ragged(rows, longest, self._columns)
            begin = int(rows.time.min())
            self._put(node, begin, values, moments, self.accu_prefix)
            found.append([begin, size])
        self._accumulated = [[] for _ in range(self.n_nodes)]
        self.last_accu_start_time = start
        return found

    def _put(
        self,
        node: int,
        begin: int,
        values: NDArray[np.int32],
        times: NDArray[np.int64],
        accu_prefix: str | None = None,
    ) -> None:
        names = self.stored_fnames(node, begin, self.tprefix, accu_prefix)
        arrays: tuple[NDArray[Any], ...] = values, times
        for name, array in zip(names, arrays, strict=True):
            content = array.tobytes() if isinstance(self._store, LocalPlace) else pickle.dumps(array)
            self._store.write(f"{self.node_name_from_index(node)}/{name}", [content])


def _check(name: str, count: int) -> None:
    if count < 1:
        raise SMDebugValueError(f"{name} is 1 or more, not {count}")


def _rows(columns: list[int], events: list[ProfilerSystemEvent]) -> _Rows:
    seconds = np.array([event.timestamp for event in events], np.float64)
    values = np.array([event.value for event in events], np.float64)
    return _Rows(np.array(columns, np.int64), (seconds * SECOND).astype(np.int64), values)


def _one_after_the_other(parts: list[_Rows]) -> _Rows:
    return _Rows(*map(np.concatenate, zip(*parts, strict=True)))


def _ragged(
    rows: _Rows, capacity: int, columns: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """How many values each column has, and these and their times from the first row on, ``capacity`` at most."""
    order = np.argsort(rows.column, kind="stable")
    column = rows.column[order]
    sizes = np.bincount(column, minlength=columns)
    place = np.arange(len(column)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    kept = place < capacity
    values = np.full((capacity, columns), -1, np.int32)
    times = np.full((capacity, columns), -1, np.int64)
    values[place[kept], column[kept]] = np.minimum(rows.value[order][kept], _MOST).astype(np.int32)
    times[place[kept], column[kept]] = rows.time[order][kept]
    return np.minimum(sizes, capacity).astype(np.int32), values, times


def _filled(table: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """What is missing as before it, or else as after it, for so many rows; 0 beyond."""
    table = _carried(_carried(table, most)[::-1], most)[::-1]
    return np.nan_to_num(table, nan=0.0)


def _carried(table: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    rows = np.arange(len(table))[:, None]
    known = np.maximum.accumulate(np.where(np.isnan(table), -1, rows), axis=0)
    near = (known >= 0) & (rows - known <= most)
    return np.where(near, np.take_along_axis(table, np.maximum(known, 0), axis=0), table)
