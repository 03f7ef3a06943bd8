"""The source of smdebug's trials: index files in, locations in event files out."""

import os
import time
from collections.abc import Iterator, Sequence
from typing import Final

from epochwatch.debugger.collection import CollectionManager
from epochwatch.debugger.places import Place, Range
from epochwatch.debugger.smdebug import layout
from epochwatch.debugger.smdebug.framing import Check
from epochwatch.debugger.smdebug.index import EventLocation, IndexReader
from epochwatch.debugger.smdebug.records import ValueReader
from epochwatch.debugger.source import Array, SavedStep, in_order, read_collections, training_ended

_AFTER_ANY_WORKER: Final = "\U0010ffff"
_PAUSE_SECONDS: Final = 2.0


class SmdebugSource:
    """A trial in smdebug's layout. ``range_steps`` keeps what is read to global steps from its first up to, not
    including, its second.
    """

    def __init__(
        self, place: Place, range_steps: tuple[int | None, int | None] | None = None, check: Check = "minimal"
    ) -> None:
        self._place = place
        self._first, self._end = range_steps or (None, None)
        self._values = ValueReader(check)
        self._index = IndexReader()
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
                found.append(self._index.saved_step(name, step, worker, self._place.read(name)))
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
            step, _ = layout.step_and_worker(path)
            ranges = [locations[number].place for number in numbers]
            for number, place, record in zip(numbers, ranges, self._records(path, ranges), strict=True):
                yield number, self._values.value(record, place, step)

    def statistics(
        self,
        tensors: Sequence[str] | None,
        statistics: Sequence[str] | None,
        steps: tuple[int, int] | None = None,
    ) -> None:
        """See ``Source``: here each is a tensor of its own."""

    def _records(self, path: str, ranges: list[Range]) -> Iterator[memoryview]:
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
