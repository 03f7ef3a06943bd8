"""The profile of a run in its spool, as the agent leaves it where there is no server."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from epochwatch.agent.host.rows_file import row_files
from epochwatch.model.host_rows import Layout
from epochwatch.model.host_samples import Columns, Samples, chosen, joined, summed_up, within
from epochwatch.profiler.events import Phase
from epochwatch.profiler.hooks.place import FOLDER
from epochwatch.profiler.profile import Span, Window
from epochwatch.profiler.store.reader import read_events

_MICRO = 1_000_000


class SpoolProfile:
    """A ``Profile`` of one node."""

    def __init__(self, spool: Path) -> None:
        self._samples = joined([_samples(path) for path in row_files(spool)])
        contents = [path.read_bytes() for path in sorted((spool / FOLDER).glob("*.ewe"))]
        self._events = (
            pa.concat_tables(list(read_events(contents)), promote_options="default") if contents else None
        )
        self.job = spool.name

    def ended(self) -> bool:
        return True

    def span(self) -> Span:
        times = [int(time) for time in (*self._samples.times[:1], *self._samples.times[-1:])]
        if self._events is not None and len(self._events):
            start, duration = (np.asarray(self._events[name]) for name in ("start", "duration"))
            times += [int(start.min()), int((start + duration).max())]
        return (min(times), max(times) + 1) if times else (0, 0)

    def nodes(self) -> Sequence[str]:
        return ["algo-1"]

    def system(self, node: str, span: Span, columns: Columns = None, seconds: int = 0) -> Samples:
        found = within(self._samples, span[0] / _MICRO, span[1] / _MICRO)
        wanted = chosen(columns)
        values = {name: column for name, column in found.values.items() if wanted(name)}
        found = Samples(found.times, found.seconds, values, found.units)
        return summed_up(found, seconds) if seconds and len(found.times) else found

    def events(self, span: Span, phases: Collection[Phase] | None = None) -> Iterator[pa.Table]:
        if self._events is None:
            return
        start = np.asarray(self._events["start"])
        keep = (start >= span[0]) & (start < span[1])
        if phases is not None:
            names = np.asarray(self._events["phase"].cast(pa.string()), dtype=object)
            keep &= np.isin(names, [Phase(phase).value for phase in phases])
        yield self._events.filter(pa.array(keep))

    def windows(self) -> Sequence[Window]:
        return []

    def read(self, path: str) -> bytes:
        raise FileNotFoundError(path)


def _samples(path: Path) -> Samples:
    content = path.read_bytes()
    found = Layout.read(content)
    if found is None:
        return joined([])
    layout, first = found
    rows = list(layout.unpack(content[first:]))
    values = np.array([row.values for row in rows], np.float32).reshape(len(rows), len(layout.columns))
    return Samples(
        np.array([row.time for row in rows], np.int64),
        np.array([row.seconds for row in rows], np.float32),
        {column.name: values[:, number] for number, column in enumerate(layout.columns)},
        {column.name: column.unit for column in layout.columns},
    )
