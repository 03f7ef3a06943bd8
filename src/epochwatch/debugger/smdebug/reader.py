"""The source of smdebug's trials: index files in, locations in event files out."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from epochwatch.debugger.collection import CollectionManager
from epochwatch.debugger.exceptions import IndexReaderException
from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.debugger.places import Place
from epochwatch.debugger.reductions import parse_reduction_tensor_name
from epochwatch.debugger.smdebug import layout
from epochwatch.debugger.smdebug.records import Check, decode_value
from epochwatch.debugger.source import Array, Entry, SavedStep, in_order, read_collections, training_ended

_AFTER_ANY_WORKER: Final = "\U0010ffff"
_PAUSE_SECONDS: Final = 2.0


class EventLocation(NamedTuple):
    """A record in an event file."""

    path: str
    start: int
    length: int


class SmdebugSource:
    """A trial in smdebug's layout. ``range_steps`` keeps what is read to global steps from its first up to, not
    including, its second.
    """

    def __init__(
        self, place: Place, range_steps: tuple[int | None, int | None] | None = None, check: Check = "minimal"
    ) -> None:
        self._place = place
        self._first, self._end = range_steps or (None, None)
        self._check: Check = check
        self._seen: set[str] = set()
        self._patience = int(os.environ.get("SMDEBUG_MISSING_EVENT_FILE_RETRY_LIMIT", "100"))

    def collections(self) -> dict[str, CollectionManager]:
        """See ``Source``."""
        return read_collections(self._place)

    def ended(self) -> bool:
        """See ``Source``."""
        return training_ended(self._place)

    def news(self, after_step: int) -> list[SavedStep]:
        """See ``Source``. Raises IndexReaderException for a file that is no index."""
        after = layout.index_path(after_step, _AFTER_ANY_WORKER) if after_step >= 0 else ""
        self._seen = {name for name in self._seen if name > after}
        found = []
        for name in self._place.names(layout.INDEX, after):
            if name in self._seen:
                continue
            self._seen.add(name)
            step, worker = layout.step_and_worker(name)
            if (self._first or 0) <= step and (self._end is None or step < self._end):
                found.append(_saved_step(name, step, worker, self._place.read(name)))
        return found

    def values(self, locations: Sequence[EventLocation]) -> list[Array]:
        """See ``Source``."""
        return in_order(self.each(locations), len(locations))

    def each(self, locations: Sequence[EventLocation]) -> Iterator[tuple[int, Array]]:
        """See ``Source``. An event file that is behind its index is waited for."""
        by_file: dict[str, list[int]] = {}
        for number, location in enumerate(locations):
            by_file.setdefault(location.path, []).append(number)
        for path, numbers in by_file.items():
            ranges = [(locations[number].start, locations[number].length) for number in numbers]
            for number, record in zip(numbers, self._records(path, ranges), strict=True):
                yield number, decode_value(record, 0, self._check)

    def statistics(
        self,
        tensors: Sequence[str] | None,
        statistics: Sequence[str] | None,
        steps: tuple[int, int] | None = None,
    ) -> None:
        """See ``Source``: here each is a tensor of its own."""

    def _records(self, path: str, ranges: list[tuple[int, int]]) -> Iterator[memoryview]:
        for _ in range(self._patience):
            try:
                yield from self._place.read_ranges(path, ranges)
                return
            except FileNotFoundError:
                if self.ended() or self._passed_over(path):
                    break
            time.sleep(_PAUSE_SECONDS)
        yield from self._place.read_ranges(path, ranges)

    def _passed_over(self, path: str) -> bool:
        """Whether the file's worker has written a later one, so that it will not come any more."""
        _, worker = layout.step_and_worker(path)
        return any(layout.step_and_worker(name)[1] == worker for name in self._place.names("events", path))


def _saved_step(path: str, step: int, worker: str, content: bytes) -> SavedStep:
    try:
        index = msgspec.json.decode(content)
        meta = index["meta"]
        mode, mode_step = ModeKeys[meta["mode"].strip()], int(meta["mode_step"])
        entries = _entries(index, meta)
    except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        raise IndexReaderException(f"Empty/Corrupt Index File {path}: {error!r}") from error
    return SavedStep(step, mode, mode_step, worker, entries.keys(), entries)


def _entries(index: Mapping[str, Any], meta: Mapping[str, Any]) -> dict[str, Entry]:
    if "tensor_payload" not in index and "shape_payload" not in index:
        raise KeyError("neither tensor_payload nor shape_payload sections are present")
    entries: dict[str, Entry] = {}
    for tensor in index.get("tensor_payload") or ():
        name = tensor["tensorname"]
        location = EventLocation(meta["event_file_name"], tensor["start_idx"], tensor["length"])
        reduction = parse_reduction_tensor_name(name)
        if reduction is None:
            entries.setdefault(name, Entry()).location = location
        else:
            entry = entries.setdefault(reduction[0], Entry())
            entry.reductions = {**entry.reductions, reduction[1]: location}
    for tensor in index.get("shape_payload") or ():
        entry = entries.setdefault(tensor["tensorname"], Entry())
        entry.shape, entry.original_name = tuple(tensor["shape"]), tensor["originalname"]
    return entries
