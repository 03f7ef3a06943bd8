"""Opens a profile that lies in files, whoever wrote them."""

import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Final

import pyarrow as pa

from epochwatch.debugger.places import Place, open_place
from epochwatch.model.host_rows import Layout
from epochwatch.model.host_samples import (
    MICRO,
    Columns,
    Samples,
    joined,
    of_columns,
    samples_of_rows,
    summed_up,
    within,
)
from epochwatch.profiler.kineto import OF_TRACES, Trace, read_trace
from epochwatch.profiler.phases import Phase
from epochwatch.profiler.profile import Profile, Span, Window
from epochwatch.profiler.smdebug.layout import FRAMEWORK
from epochwatch.profiler.smdebug.profile import SmdebugProfile, natural
from epochwatch.profiler.smdebug.readers import tensorflow_traces
from epochwatch.profiler.store.reader import bounded, chosen, events_in
from epochwatch.profiler.store.rows import begun_at
from epochwatch.profiler.store.windows import window_in

_FOLDER: Final = "profiler-output"
_OWN: Final = ("events-*.ewe", "profile/events-*.ewe")
"""Where files of events are: in a directory of their own, or in that of a run."""
_ROWS: Final = "host-*.bin"
"""The samples of a run's host, in its directory."""
_LATER: Final = 3_600_000_000
"""Microseconds after its beginning at which an event has ended."""
_NEVER: Final = 1 << 62
_KINETO: Final = re.compile(r"(?P<node>.+?)(?:_(?P<process>\d+))?(?:\.\d+)?\.pt\.trace\.json(?:\.gz)?")
_STEP_FOLDER: Final = re.compile(r"/(\d{9})/plugins/")


def open_profile(path: str) -> Profile:
    """The profile in a directory or below ``s3://bucket/prefix``: a job's ``profiler-output``, or the folder of one.

    It may hold SageMaker Debugger's files (``system/``, ``framework/``), traces of TensorFlow's and PyTorch's
    profilers in ``framework/`` (``*.pt.trace.json.gz`` of a local directory, too), and, in a local directory, our own
    files of events and samples, which come before timelines and system metrics that were made of them.
    """
    path = path.strip().rstrip("/")
    parts = path.rsplit("/", 2)
    job = parts[-2] if parts[-1] == _FOLDER and len(parts) > 1 else parts[-1]
    return DirectoryProfile(path, job)


class DirectoryProfile:
    """See ``open_profile``."""

    def __init__(self, path: str, job: str) -> None:
        self._place = open_place(path)
        self._smdebug = SmdebugProfile(self._place, job)
        self._own = None if path.startswith("s3://") else _OwnFiles(Path(path).expanduser())
        self._traces = _Traces(self._place, self._own)

    @property
    def job(self) -> str:
        """See ``Profile``."""
        return self._smdebug.job

    def ended(self) -> bool:
        """See ``Profile``. Our own files do not say so."""
        return self._smdebug.ended()

    def span(self) -> Span:
        """See ``Profile``."""
        spans = [self._smdebug.span(), *(window.span for window in self.windows())]
        if self._own is not None:
            spans += self._own.spans()
        known = [span for span in spans if span != (0, 0)]
        return (min(first for first, _ in known), max(last for _, last in known)) if known else (0, 0)

    def nodes(self) -> Sequence[str]:
        """See ``Profile``."""
        found = {*self._smdebug.nodes(), *(window.node for window in self.windows())}
        if self._own is not None:
            found |= self._own.nodes()
        return sorted(found, key=natural)

    def system(self, node: str, span: Span, columns: Columns = None, seconds: int = 0) -> Samples:
        """See ``Profile``."""
        own = self._own.samples() if self._own is not None and node == self._own.sampled_node() else None
        if own is None:
            return self._smdebug.system(node, span, columns, seconds)
        samples = of_columns(within(own, span[0] / MICRO, span[1] / MICRO), columns)
        return summed_up(samples, seconds) if seconds else samples

    def events(self, span: Span, phases: Collection[Phase] | None = None) -> Iterator[pa.Table]:
        """See ``Profile``."""
        if self._own is not None and self._own.paths():
            told, others = self._own.tables(span), True
        else:
            told, others = self._smdebug.events(span, phases), self._smdebug.has_events()
        traces = self._traces.tables(span, with_steps=not others)
        if phases is not None and OF_TRACES.isdisjoint(phases):
            traces = iter(())
        return bounded(chosen(table, span, phases) for table in chain(told, traces))

    def windows(self) -> Sequence[Window]:
        """See ``Profile``."""
        own = self._own.windows() if self._own is not None else []
        return sorted([*own, *self._traces.windows()], key=lambda window: (window.span, window.node, window.rank))

    def read(self, path: str) -> bytes:
        """See ``Profile``."""
        if path.startswith("/") or ".." in path.split("/"):
            raise FileNotFoundError(path)
        return self._place.read(path)


class _OwnFiles:
    """Files of events, as the training's processes leave them in a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def paths(self) -> list[Path]:
        """Those that are there now, in the order of their beginnings."""
        found = [path for pattern in _OWN for path in self._directory.glob(pattern)]
        return sorted((path for path in found if begun_at(path.name) is not None), key=lambda path: path.name)

    def tables(self, span: Span) -> Iterator[pa.Table]:
        """Files that may have events that begin within the span. A file has what ended while it was written."""
        for files in self._by_process().values():
            begun = [begun_at(path.name) or 0 for path in files]
            for path, begin, end in zip(files, begun, [*begun[1:], _NEVER], strict=True):
                if end >= span[0] and begin < span[1] + _LATER:
                    yield self._read(path)

    def spans(self) -> list[Span]:
        """From the first to the last sample, and event of each process, as far as its first and last files tell."""
        samples = self.samples()
        sampled = [(int(samples.times[0]), int(samples.times[-1]) + 1)] if samples and len(samples.times) else []
        return sampled + [
            (int(start.min()), int((start + table["duration"].to_numpy()).max()) + 1)
            for table in self._ends()
            if len(start := table["start"].to_numpy())
        ]

    def nodes(self) -> set[str]:
        """Those with events or samples."""
        sampled = self.sampled_node()
        return self._with_events() | ({sampled} if sampled else set())

    def sampled_node(self) -> str:
        """Whose samples are in the directory; empty without. It is a run's, which has one host."""
        if not any(self._directory.glob(_ROWS)):
            return ""
        found = self._with_events()
        return found.pop() if len(found) == 1 else "algo-1"

    def samples(self) -> Samples | None:
        """What the sampler of a run left there; None if there is nothing."""
        found = []
        for path in sorted(self._directory.glob(_ROWS)):
            content = path.read_bytes()
            head = Layout.read(content)
            if head is not None:
                layout, first = head
                whole = (len(content) - first) // layout.row_size * layout.row_size
                found.append(samples_of_rows(layout.columns, content[first : first + whole]))
        return joined(found) if found else None

    def _with_events(self) -> set[str]:
        return {node for table in self._ends() for node in table["node"].unique().to_pylist()}

    def _by_process(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = defaultdict(list)
        for path in self.paths():
            found[path.stem.rpartition("-")[2]].append(path)
        return found

    def _ends(self) -> Iterator[pa.Table]:
        for files in self._by_process().values():
            yield from map(self._read, {files[0], files[-1]})

    @staticmethod
    def _read(path: Path) -> pa.Table:
        try:
            return events_in(path.read_bytes())
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def windows(self) -> list[Window]:
        """Operator windows that are complete."""
        found = []
        for folder in ("", "profile/"):
            for path in sorted(self._directory.glob(f"{folder}windows/*.json")):
                try:
                    window = window_in(path.read_bytes())
                except ValueError as error:
                    raise ValueError(f"{path}: {error}") from error
                found.append(replace(window, path=folder + window.path))
        return found

    def traces(self) -> list[str]:
        """Of PyTorch's profiler, as its own handler names them."""
        return sorted(str(path.relative_to(self._directory)) for path in self._directory.glob("*.pt.trace.json*"))


class _Traces:
    """Traces of frameworks' profilers. They are whole when they are there."""

    def __init__(self, place: Place, own: _OwnFiles | None) -> None:
        self._place, self._own = place, own
        self._windows: dict[str, Window | None] = {}

    def _paths(self) -> dict[str, tuple[str, int, int, float]]:
        """(node, process, step and what times are relative to) by path."""
        found: dict[str, tuple[str, int, int, float]] = {}
        names = [
            *self._place.names(f"{FRAMEWORK}/pytorch"),
            *(self._own.traces() if self._own is not None else []),
        ]
        for name in names:
            if match := _KINETO.fullmatch(name.rpartition("/")[2]):
                found[name] = match["node"], int(match["process"] or -1), -1, 0.0
        files, begins = tensorflow_traces(self._place)
        for file in files:
            step = _STEP_FOLDER.search(file.path)
            found[file.path] = file.node, -1, int(step[1]) if step else -1, begins[file.path]
        return found

    def _read(self, path: str, base: float) -> Trace:
        try:
            return read_trace(self._place.read(path), base)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def tables(self, span: Span, *, with_steps: bool) -> Iterator[pa.Table]:
        """The events of those with any in the span, trace by trace."""
        wanted = {
            window.path for window in self.windows() if window.span[0] < span[1] and span[0] < window.span[1]
        }
        for path, (node, process, _, base) in self._paths().items():
            if path in wanted:
                yield self._read(path, base).table(node, process, with_steps=with_steps)

    def windows(self) -> list[Window]:
        """One for each that has something in it."""
        paths = self._paths()
        for path in paths:
            if path not in self._windows:
                self._windows[path] = self._window(path, *paths[path])
        return [window for window in self._windows.values() if window is not None]

    def _window(self, path: str, node: str, _: int, step: int, base: float) -> Window | None:
        trace = self._read(path, base)
        times = [(one.ts + trace.base, one.ts + one.dur + trace.base) for one in trace.records if one.ph == "X"]
        if not times:
            return None
        steps = [number for number, *_ in trace.steps] or [step]
        span = int(min(begin for begin, _ in times)), int(max(end for _, end in times)) + 1
        return Window(node, trace.rank, min(steps), max(steps), span, math.nan, path)
