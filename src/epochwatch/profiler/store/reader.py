"""Reads event files as tables, while they grow and after."""

from collections.abc import Collection, Iterable, Iterator
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from epochwatch.profiler.events import SCHEMA
from epochwatch.profiler.phases import Phase
from epochwatch.profiler.profile import Span
from epochwatch.profiler.store.rows import IS_EVENT, IS_NAME, PHASES, Header

ROWS: Final = 1 << 16
"""Of a table, at least, where there are as many."""
_ROW: Final = np.dtype(
    {
        "names": ["start", "duration", "step", "thread", "bytes", "name", "phase", "mode", "kind"],
        "formats": ["<i8", "<i8", "<i8", "<i8", "<i8", "<u4", "u1", "i1", "u1"],
        "offsets": [0, 8, 16, 24, 32, 40, 44, 45, 46],
        "itemsize": 48,
    }
)
_PHASE_NAMES: Final = pa.array([phase.value for phase in PHASES])


def read_events(
    contents: Iterable[bytes], span: Span | None = None, phases: Collection[Phase] | None = None
) -> Iterator[pa.Table]:
    """Events of files, given in the order of their names, that begin within the span and are of these phases. Raises
    ValueError for what is no event file.
    """
    return bounded(chosen(events_in(content), span, phases) for content in contents)


def events_in(content: bytes, node: str = "", after: int = 0) -> pa.Table:
    """All events of one file in the order of their time; without those whose rows are whole in the first ``after``
    bytes. ``node`` is another name for its node. Raises ValueError for what is no event file.
    """
    found = Header.read(content)
    if found is None:
        return SCHEMA.empty_table()
    header, first = found
    rows = np.frombuffer(content, _ROW, (len(content) - first) // _ROW.itemsize, first)
    names = _names(content, first, rows)
    rows = rows[max((after - first) // _ROW.itemsize, 0) :]
    rows = rows[(rows["kind"] == IS_EVENT) & (rows["phase"] < len(PHASES)) & (rows["name"] <= len(names))]
    if np.any(rows["start"][1:] < rows["start"][:-1]):
        rows = rows[np.argsort(rows["start"], kind="stable")]
    return _table(header, node, names, rows)


def bounded(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables of about ROWS, none of them empty."""
    waiting: list[pa.Table] = []
    for table in tables:
        if len(table):
            waiting.append(table)
        if sum(map(len, waiting)) >= ROWS:
            yield from _cut(waiting)
            waiting = []
    if waiting:
        yield from _cut(waiting)


def chosen(table: pa.Table, span: Span | None, phases: Collection[Phase] | None) -> pa.Table:
    """Events that begin within the span and are of these phases; None: all."""
    if not len(table):
        return table
    keep: NDArray[np.bool_] | None = None
    if span is not None:
        start = table["start"].to_numpy()
        keep = (start >= span[0]) & (start < span[1])
    if phases is not None:
        column = table["phase"].combine_chunks()
        wanted = np.isin(np.asarray(column.dictionary), [Phase(phase).value for phase in phases])
        of_phase = wanted[np.asarray(column.indices)]
        keep = of_phase if keep is None else keep & of_phase
    return table if keep is None or keep.all() else table.filter(pa.array(keep))


def _cut(tables: list[pa.Table]) -> Iterator[pa.Table]:
    whole = pa.concat_tables(tables).unify_dictionaries()
    for begin in range(0, len(whole), 2 * ROWS):
        yield whole.slice(begin, 2 * ROWS)


def _names(content: bytes, first: int, rows: NDArray[np.void]) -> list[str]:
    """By number, from 1."""
    found: list[bytes] = []
    for place in np.flatnonzero(rows["kind"] == IS_NAME).tolist():
        at = first + place * _ROW.itemsize
        number, length = int(rows["name"][place]), int(rows["phase"][place])
        if not 1 <= number <= len(found) + 1:
            raise ValueError("the names of the events are damaged")
        if number > len(found):
            found.append(b"")
        found[number - 1] += content[at : at + min(length, 40)]
    return [name.decode("utf-8", "replace") for name in found]


def _table(header: Header, node: str, names: list[str], rows: NDArray[np.void]) -> pa.Table:
    count = len(rows)
    phase = rows["phase"].astype(np.int32)
    number = rows["name"].astype(np.int32)
    name = np.where(number == 0, phase, number + np.int32(len(PHASES) - 1))
    every = np.zeros(count, np.int32)
    columns = {
        "start": pa.array(np.ascontiguousarray(rows["start"])),
        "duration": pa.array(np.ascontiguousarray(rows["duration"])),
        "step": pa.array(np.ascontiguousarray(rows["step"])),
        "mode": pa.array(np.ascontiguousarray(rows["mode"])),
        "phase": pa.DictionaryArray.from_arrays(pa.array(phase), _PHASE_NAMES),
        "name": pa.DictionaryArray.from_arrays(
            pa.array(name), pa.concat_arrays([_PHASE_NAMES, pa.array(names, pa.string())])
        ),
        "node": pa.DictionaryArray.from_arrays(pa.array(every), pa.array([node or header.node])),
        "rank": pa.array(np.full(count, header.rank, np.int32)),
        "process": pa.array(np.full(count, header.process, np.int64)),
        "thread": pa.array(np.ascontiguousarray(rows["thread"])),
        "bytes": pa.array(np.ascontiguousarray(rows["bytes"])),
    }
    return pa.table([columns[field.name] for field in SCHEMA], schema=SCHEMA)
