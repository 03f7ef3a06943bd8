"""The source of our own trials: logs while they grow, Parquet when they are sealed."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as Names
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from epochwatch.debugger.collection import CollectionManager
from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.debugger.places import Place
from epochwatch.debugger.reductions import Reduction
from epochwatch.debugger.source import (
    Array,
    Entries,
    Entry,
    Location,
    SavedStep,
    in_order,
    read_collections,
    training_ended,
)
from epochwatch.debugger.store import safetensors
from epochwatch.debugger.store.parquet import KEYS, StatisticsFile, frames_table, read_manifest
from epochwatch.debugger.store.segment import (
    SCALAR,
    Frame,
    SegmentHead,
    TensorPlace,
    decode_frames,
    numbered,
    segment_files,
)

_SEGMENTS_KEPT_PER_WORKER = 4


class StatisticLocation(NamedTuple):
    """A number in a segment."""

    segment: "_Segment"
    tensor: str
    step: int
    column: str


class RawLocation(NamedTuple):
    """A raw tensor of a segment."""

    segment: "_Segment"
    tensor: str
    step: int


class _Series(NamedTuple):
    """The statistics of a tensor in a sealed segment, by ascending steps: each with where it is absent, None for
    nowhere.
    """

    steps: Array
    columns: Mapping[str, tuple[Array, Array | None]]

    def value(self, column: str, step: int) -> Any:
        """Of what was written of a step several times, the last that has the column."""
        row = int(np.searchsorted(self.steps, step, "right")) - 1
        values, absent = self.columns[column]
        while absent is not None and absent[row]:
            row -= 1
        return values[row]


def _series_around(file: StatisticsFile, tensor: str) -> dict[str, _Series]:
    """Of all tensors that are read together with this one."""
    table = file.read_around(tensor)
    steps = table["step"].to_numpy()
    columns = {
        name: (table[name].to_numpy(), table[name].is_null().to_numpy() if table[name].null_count else None)
        for name in file.columns
    }
    names = table["tensor"].unify_dictionaries().combine_chunks()
    codes = names.indices.to_numpy()
    ends = [*(np.flatnonzero(codes[1:] != codes[:-1]) + 1).tolist(), len(codes)]
    found = {}
    for start, end in itertools.pairwise([0, *ends]):
        name = names.dictionary[int(codes[start])].as_py()
        if name == tensor or (start > 0 and end < len(codes)):  # the outermost may go on in other groups
            found[name] = _Series(
                steps[start:end],
                {
                    column: (values[start:end], None if absent is None else absent[start:end])
                    for column, (values, absent) in columns.items()
                },
            )
    return found


class _Segment:
    """Some hundred steps of a worker, first as frames of a log, then as files."""

    def __init__(self, place: Place, worker: str, number: int) -> None:
        self._place = place
        self.worker = worker
        self.files = segment_files(worker, number)
        self.frames: list[Frame] = []
        self.read_bytes = 0
        self.sealed: StatisticsFile | None = None
        self._series: dict[str, _Series] = {}
        self._frames_of_step: dict[int, list[Frame]] = {}
        self._positions_of: tuple[tuple[str, ...], dict[str, int]] | None = None

    def news(self, sealed: bool) -> SegmentHead | None:
        """What came since the last call; from the sealed file if there is one, and also if the log has gone in this
        moment, for then it is there.
        """
        if self.sealed is None and not sealed:
            try:
                return SegmentHead.of(self._read_log(), 0)
            except FileNotFoundError:
                pass
        return self._take_sealed() if self.sealed is None else None

    def _read_log(self) -> list[Frame]:
        names = (self.frames[-1].names or ()) if self.frames else ()
        news, size = decode_frames(self._place.read(self.files["log"], self.read_bytes), names)
        self.frames += news
        for frame in news:
            self._frames_of_step.setdefault(frame.step, []).append(frame)
        self.read_bytes += size
        if news:
            self.forget()
        return news

    def _take_sealed(self) -> SegmentHead | None:
        """The file's steps, unless the log was read to its end before."""
        self.sealed = StatisticsFile(self._place, self.files["statistics"])
        head = self.sealed.head
        known = self.read_bytes == head.log_bytes and bool(self.frames)
        self.frames, self._frames_of_step, self._positions_of = [], {}, None
        self.forget()
        return None if known else head

    def forget(self) -> None:
        """Free what can be read again."""
        self._series.clear()
        self.__dict__.pop("places", None)

    def table(
        self, tensors: Sequence[str] | None, statistics: Sequence[str], steps: tuple[int, int] | None = None
    ) -> Any:
        """Statistics of some tensors, or all, of the steps from the first to the last of ``steps``, or all."""
        if self.sealed is not None:
            table = self.sealed.read(tensors, statistics)
            if steps is None:
                return table
            return table.filter((pc.field("step") >= steps[0]) & (pc.field("step") <= steps[1]))
        frames = self.frames if steps is None else [one for one in self.frames if steps[0] <= one.step <= steps[1]]
        return frames_table(frames, tensors, statistics)

    def reaches(self, steps: tuple[int, int]) -> bool:
        """Whether it has a step from the first to the last of ``steps``."""
        known = self.frames if self.sealed is None else self.sealed.head.steps
        return any(steps[0] <= one.step <= steps[1] for one in known)

    @property
    def columns(self) -> list[str]:
        """The statistics there are."""
        if self.sealed is not None:
            return self.sealed.columns
        return list(dict.fromkeys(name for frame in self.frames for name in frame.columns))

    def statistic(self, location: "StatisticLocation") -> Any:
        """One number. Those around it stay in memory until ``forget``."""
        if self.sealed is None:
            return self._statistic_in_log(location)
        if location.tensor not in self._series:
            self._series |= _series_around(self.sealed, location.tensor)
        return self._series[location.tensor].value(location.column, location.step)

    def _statistic_in_log(self, location: "StatisticLocation") -> Any:
        for frame in reversed(self._frames_of_step[location.step]):
            position = self._positions(frame.names or ()).get(location.tensor)
            if position is not None and location.column in frame.columns:
                return frame.columns[location.column].array()[position]
        raise KeyError(location)

    def _positions(self, names: tuple[str, ...]) -> dict[str, int]:
        if self._positions_of is None or self._positions_of[0] is not names:
            self._positions_of = names, {name: position for position, name in enumerate(names)}
        return self._positions_of[1]

    @cached_property
    def places(self) -> dict[tuple[str, int], TensorPlace]:
        """Where the raw tensors are, by (name, step)."""
        if self.sealed is None:
            return {(place.tensor, frame.step): place for frame in self.frames for place in frame.places}
        if not self._place.exists(self.files["manifest"]):
            return {}
        rows = read_manifest(self._place, self.files["manifest"])
        columns = {name: rows[name].to_pylist() for name in rows.column_names}
        columns["shape"] = [tuple(shape) for shape in columns["shape"]]
        fields = zip(*(columns[name] for name in TensorPlace.__struct_fields__), strict=True)
        places = itertools.starmap(TensorPlace, fields)
        return {(place.tensor, step): place for place, step in zip(places, columns["step"], strict=True)}


class _Entries(Entries):
    """The entries of a step, made when they are looked at."""

    def __init__(
        self,
        segment: _Segment,
        step: int,
        columns: Sequence[str],
        measured: Names[str],
        raw: Names[str],
        shapes: Names[str],
    ) -> None:
        self._segment, self._step, self._columns = segment, step, columns
        self._measured, self._raw, self._shapes = measured, raw, shapes

    @property
    def names(self) -> Names[str]:
        """All names, as written; the same object for the same names in the common case of statistics only."""
        if self._raw <= self._measured and self._shapes <= self._measured:
            return self._measured
        return dict.fromkeys((*self._measured, *self._raw, *self._shapes)).keys()

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self._measured or name in self._raw or name in self._shapes

    def location(self, name: str) -> Location | None:
        if name in self._measured and SCALAR in self._columns:
            return StatisticLocation(self._segment, name, self._step, SCALAR)
        return RawLocation(self._segment, name, self._step) if name in self._raw else None

    def __getitem__(self, name: str) -> Entry:
        if name not in self:
            raise KeyError(name)
        entry = Entry(self.location(name))
        if name in self._shapes:
            entry.shape = self._segment.places[name, self._step].shape
        if name in self._measured:
            locations = {
                column: StatisticLocation(self._segment, name, self._step, column) for column in self._columns
            }
            if locations.pop(SCALAR, None):
                entry.shape = ()
            entry.reductions = {_reduction(column): location for column, location in locations.items()}
        return entry


def _reduction(column: str) -> Reduction:
    return column.removeprefix("abs_"), column.startswith("abs_")


class StoreSource:
    """A trial in our own format, of ``range_steps`` as ``SmdebugSource`` has them."""

    def __init__(self, place: Place, range_steps: tuple[int | None, int | None] | None = None) -> None:
        self._place = place
        self._first, self._end = range_steps or (None, None)
        self._segments: dict[tuple[str, int], _Segment] = {}
        self._kept: dict[_Segment, None] = {}
        self._sets: dict[tuple[str, ...], Names[str]] = {}

    def collections(self) -> dict[str, CollectionManager]:
        """See ``Source``."""
        return read_collections(self._place)

    def ended(self) -> bool:
        """See ``Source``."""
        return training_ended(self._place)

    def news(self, after_step: int) -> list[SavedStep]:
        """See ``Source``. Logs are listed first: one that is sealed meanwhile is among the sealed ones."""
        logs = [(worker, number) for worker, number, _ in numbered(self._place.names("log"))]
        sealed = {(worker, number) for worker, number, _ in numbered(self._place.names("statistics"))}
        found: list[SavedStep] = []
        for worker, number in sorted(sealed.union(logs)):
            segment = self._segment(worker, number)
            head = segment.news((worker, number) in sealed)
            if head is not None:
                found += self._steps_of_head(segment, head)
        return found

    def _segment(self, worker: str, number: int) -> _Segment:
        key = worker, number
        if key not in self._segments:
            self._segments[key] = _Segment(self._place, worker, number)
        return self._segments[key]

    def _steps_of_head(self, segment: _Segment, head: SegmentHead) -> Iterator[SavedStep]:
        sets = [self._sets.setdefault(names, dict.fromkeys(names).keys()) for names in head.lists]
        for one in head.steps:
            if (self._first or 0) <= one.step and (self._end is None or one.step < self._end):
                known = sets[one.names], sets[one.tensors], sets[one.shapes]
                entries = _Entries(segment, one.step, head.lists[one.columns], *known)
                yield SavedStep(
                    one.step, ModeKeys(one.mode), one.mode_step, segment.worker, entries.names, entries
                )

    def values(self, locations: Sequence[Location]) -> list[Array]:
        """See ``Source``."""
        return in_order(self.each(locations), len(locations))

    def each(self, locations: Sequence[Location]) -> Iterator[tuple[int, Array]]:
        """See ``Source``. Raw tensors of one file are read together."""
        by_file: dict[str, list[tuple[int, TensorPlace]]] = {}
        for number, location in enumerate(locations):
            if isinstance(location, StatisticLocation):
                self._keep(location.segment)
                statistic = location.segment.statistic(location)
                yield number, np.asarray(statistic) if location.column == SCALAR else statistic
            else:
                place = location.segment.places[location.tensor, location.step]
                by_file.setdefault(place.file, []).append((number, place))
        for file, wanted in by_file.items():
            ranges = [(place.offset, place.nbytes) for _, place in wanted]
            for (number, place), data in zip(wanted, self._place.read_ranges(file, ranges), strict=True):
                yield number, safetensors.decode(place, data)

    def _keep(self, segment: _Segment) -> None:
        """Only so many segments stay in memory: those that were asked last."""
        self._kept.pop(segment, None)
        self._kept[segment] = None
        workers = len({worker for worker, _ in self._segments})
        while len(self._kept) > _SEGMENTS_KEPT_PER_WORKER * workers:
            oldest = next(iter(self._kept))
            del self._kept[oldest]
            oldest.forget()

    def statistics(
        self,
        tensors: Sequence[str] | None,
        statistics: Sequence[str] | None,
        steps: tuple[int, int] | None = None,
    ) -> Any:
        """See ``Source``."""
        parts = []
        for (worker, _), segment in sorted(self._segments.items()):
            if steps is not None and not segment.reaches(steps):
                continue
            table = segment.table(tensors, segment.columns if statistics is None else statistics, steps)
            parts.append(table.append_column("worker", pa.repeat(worker, len(table))))
        if not parts:
            return pa.table({name: pa.array([], pa.int64()) for name in (*KEYS, "worker")})
        whole = pa.concat_tables(parts, promote_options="permissive").unify_dictionaries()
        return _merged(whole)


def _merged(table: Any) -> Any:
    """In the order of tensor, step and worker; of what was written of a step several times, the last of each column."""
    tensor, worker = table["tensor"].combine_chunks(), table["worker"].combine_chunks().dictionary_encode()
    keys = (_ranks(worker), table["step"].to_numpy(), _ranks(tensor))
    order = np.lexsort(keys)
    table = table.take(pa.array(order))
    if not np.logical_and.reduce([key[order][1:] == key[order][:-1] for key in keys]).any():
        return table
    table = table.set_column(table.column_names.index("tensor"), "tensor", table["tensor"].cast(pa.string()))
    identity = ["tensor", "step", "worker"]
    others = [name for name in table.column_names if name not in identity]
    found = table.group_by(identity, use_threads=False).aggregate([(name, "last") for name in others])
    return found.rename_columns([*identity, *others]).select(table.column_names)


def _ranks(names: Any) -> Array:
    """The place of each name in the order of all, of a column of names as a dictionary."""
    ranks = np.argsort(np.argsort(np.array(names.dictionary.to_pylist(), dtype=np.str_)))
    found: Array = ranks[names.indices.to_numpy()]
    return found
