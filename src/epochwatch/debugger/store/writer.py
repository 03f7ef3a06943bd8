"""Writes a worker's part of a trial in our own format, while the training runs."""

import logging
import threading
import time as clock
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from epochwatch.debugger.collection import Collection, CollectionManager
from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.debugger.places import Appender, open_place
from epochwatch.debugger.smdebug import layout
from epochwatch.debugger.source import Array
from epochwatch.debugger.store import safetensors
from epochwatch.debugger.store.parquet import KEYS, seal
from epochwatch.debugger.store.safetensors import Bfloat16
from epochwatch.debugger.store.segment import (
    SCALAR,
    Column,
    Frame,
    TensorPlace,
    encode_frames,
    numbered,
    segment_files,
)

_LOG = logging.getLogger(__name__)
STEPS_PER_SEGMENT: Final = 500
_SECONDS_BETWEEN_FLUSHES: Final = 10.0


class Statistics(NamedTuple):
    """Statistics of many tensors at a step: by name a column with one element per tensor. A column that bears the name
    of a reduction, ``abs_`` before it where it is of absolute values, is read as that reduction.
    """

    tensors: Sequence[str]
    columns: Mapping[str, Array]


class StoreWriter:
    """One worker's steps. On a local disk a step is safe from the end of the process when ``write_step`` returns; in
    S3 after ``flush``, which is done every ten seconds with a step.
    """

    def __init__(
        self,
        path: str,
        worker: str = "worker_0",
        collections: Sequence[Collection] = (),
        num_workers: int = 1,
        *,
        steps_per_segment: int = STEPS_PER_SEGMENT,
    ) -> None:
        if "/" in worker or not worker:
            raise SMDebugValueError(f"a worker's name is part of a path and has no '/': {worker!r}")
        self._place = open_place(path)
        self._worker = worker
        self._steps_per_segment = steps_per_segment
        self._place.write(layout.OWN_FORMAT, [b""])
        self._sealing: threading.Thread | None = None
        self._segment = self._take_over()
        self._log: Appender | None = None
        self._steps_in_log = 0
        self._names: tuple[str, ...] | None = None
        self._flushed_at = clock.monotonic()
        manager = CollectionManager.of(collections, num_workers)
        self._place.write(layout.collections_path(worker), [manager.dump()])

    def _take_over(self) -> int:
        """Seal what a writer before this one left behind; the number of the next segment."""
        logs = [number for _, number, _ in numbered(self._place.names(f"log/{self._worker}"))]
        sealed = [number for _, number, _ in numbered(self._place.names(f"statistics/{self._worker}"))]
        for number in logs:
            seal(self._place, self._worker, number)
        return max([*logs, *sealed], default=-1) + 1

    def write_step(
        self,
        step: int,
        *,
        statistics: Statistics | Sequence[Statistics] | None = None,
        scalars: Mapping[str, float] | None = None,
        tensors: Mapping[str, Array | Bfloat16] | None = None,
        shapes: Mapping[str, Sequence[int]] | None = None,
        mode: ModeKeys = ModeKeys.GLOBAL,
        mode_step: int | None = None,
        time: float | None = None,
    ) -> None:
        """What this worker saves at the global ``step``, which is ``mode_step`` of its mode (the same if not given);
        ``time`` in Unix seconds. Statistics come in several parts where the tensors have different columns; ``scalars``
        are tensors of one number. ``shapes`` are of tensors that are not saved whole. Raw tensors are on their place
        before the log says where they are. Calls come from one thread at a time.
        Raises SMDebugValueError for statistics of other lengths than the names.
        """
        parts = [_checked(part) for part in _parts(statistics, scalars)] or [((), {})]
        nanoseconds = clock.time_ns() if time is None else round(time * 1e9)
        mode_step = step if mode_step is None else mode_step
        frames = [Frame(step, mode.value, mode_step, nanoseconds, names, columns, []) for names, columns in parts]
        frame = frames[-1]
        if self._log is None:
            self._log = self._place.appender(segment_files(self._worker, self._segment)["log"])
        if tensors:
            file = f"tensors/{self._worker}/{step:012d}-{self._segment:09d}-{self._steps_in_log:06d}.safetensors"
            content, frame.places = safetensors.encode(file, tensors)
            self._place.write(file, content)
        frame.places += [
            TensorPlace(name, "", tuple(shape), "", 0, 0, 0)
            for name, shape in (shapes or {}).items()
            if name not in (tensors or {})
        ]
        known = self._names
        for frame in frames:
            known, frame.names = frame.names, None if frame.names == known else frame.names
        try:
            self._log.append(encode_frames(frames))
        except OSError:
            self._roll()  # a frame that was cut off would hide those after it
            raise
        self._names = known
        self._steps_in_log += 1
        if self._steps_in_log >= self._steps_per_segment:
            self._roll()
        elif clock.monotonic() - self._flushed_at >= _SECONDS_BETWEEN_FLUSHES:
            self.flush()

    def flush(self) -> None:
        """Let others read all steps so far, in S3, too."""
        if self._log is not None:
            self._log.flush()
        self._flushed_at = clock.monotonic()

    def _roll(self) -> None:
        if self._log is None:
            return
        self._log.close()
        self._wait_for_sealing()
        self._sealing = threading.Thread(
            target=self._seal, args=(self._segment,), name="epochwatch-seal", daemon=True
        )
        self._sealing.start()
        self._log, self._names, self._steps_in_log = None, None, 0
        self._segment += 1

    def _seal(self, number: int) -> None:
        try:
            seal(self._place, self._worker, number)
        except Exception as error:  # noqa: BLE001 - a log is read as well, and the next writer seals it
            _LOG.warning("segment %d of %s stays a log: %s", number, self._worker, error)

    def _wait_for_sealing(self) -> None:
        if self._sealing is not None:
            self._sealing.join()
            self._sealing = None

    def close(self) -> None:
        """Seal what is there. The trial may go on with another writer of this worker."""
        self._roll()
        self._wait_for_sealing()

    def end_worker(self, num_workers: int) -> None:
        """Close, and say that nothing more comes of this worker; the last of ``num_workers`` ends the training."""
        self.close()
        self._place.write(layout.end_of_worker(self._worker), [b""])
        if len(self._place.names(layout.ENDED)) >= num_workers:
            self.end_training()

    def end_training(self) -> None:
        """Close, and say that nothing more comes, of any worker."""
        self.close()
        self._place.write(layout.END_OF_JOB, [b""])


def _parts(
    statistics: Statistics | Sequence[Statistics] | None, scalars: Mapping[str, float] | None
) -> list[Statistics]:
    given = [statistics] if isinstance(statistics, Statistics) else list(statistics or ())
    if scalars:
        values = np.fromiter(scalars.values(), np.float64, len(scalars))
        given.append(Statistics(list(scalars), {SCALAR: values}))
    return given


def _checked(statistics: Statistics) -> tuple[tuple[str, ...], dict[str, Column]]:
    names = tuple(statistics.tensors)
    columns = {}
    for name, given in statistics.columns.items():
        if name in KEYS:
            raise SMDebugValueError(f"a statistic cannot be called {name}: the files use that name themselves")
        values = np.asarray(given)
        if values.shape != (len(names),) or values.dtype.kind not in "fiub":
            raise SMDebugValueError(
                f"statistic {name} needs one number per tensor: expected shape ({len(names)},), "
                f"found {values.shape} of type {values.dtype}"
            )
        columns[name] = Column.of(values)
    return names, columns
