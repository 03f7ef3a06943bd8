"""Writes a worker's part of a trial in smdebug's layout."""

import time as clock
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from epochwatch.debugger.collection import Collection, CollectionManager
from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.debugger.places import Place, open_place
from epochwatch.debugger.reductions import Reduction, reduction_tensor_name
from epochwatch.debugger.smdebug import layout
from epochwatch.debugger.smdebug.index import encode_index
from epochwatch.debugger.smdebug.records import encode_tensor
from epochwatch.debugger.source import Array


class SmdebugWriter:
    """One worker's steps. Its collections are written at once: a reader waits for those of all workers."""

    def __init__(
        self,
        path: str,
        worker: str = "worker_0",
        collections: Sequence[Collection] = (),
        num_workers: int = 1,
    ) -> None:
        self._place: Place = open_place(path)
        self._worker = worker
        manager = CollectionManager.of(collections, num_workers)
        self._place.write(layout.collections_path(worker), [manager.dump()])

    def write_step(
        self,
        step: int,
        tensors: Mapping[str, Array] | Iterable[tuple[str, Array]],
        *,
        mode: ModeKeys = ModeKeys.GLOBAL,
        mode_step: int | None = None,
        reductions: Mapping[str, Mapping[Reduction, Any]] | None = None,
        shapes: Mapping[str, Sequence[int]] | None = None,
        original_names: Mapping[str, str] | None = None,
        time: float | None = None,
    ) -> None:
        """Everything this worker saves at the global ``step``, which is ``mode_step`` of its mode (the same if not
        given); ``time`` in Unix seconds. Tensors may come one by one, as (name, array), so that they need not be in
        memory together. The event file is there before the index that points into it.

        Shapes are written of tensors without a value only: smdebug's reader takes a shape in place of the value.
        """
        mode_step = step if mode_step is None else mode_step
        time = clock.time() if time is None else time
        pairs = tensors.items() if isinstance(tensors, Mapping) else tensors
        names: list[str] = []
        lengths: list[int] = []

        def parts() -> Iterator[bytes | memoryview]:
            for name, value in chain(_named(reductions or {}), pairs):
                record = encode_tensor(name, value, step, mode, mode_step, time)
                names.append(name)
                lengths.append(sum(map(len, record)))
                yield from record

        records = parts()
        event_file = None
        if (first := next(records, None)) is not None:
            event_file = layout.event_path(step, self._worker)
            self._place.write(event_file, chain([first], records))
        originals = original_names or {}
        written = set(names)
        shape_payload = [
            {"tensorname": name, "originalname": originals.get(name, name), "shape": list(shape)}
            for name, shape in (shapes or {}).items()
            if name not in written
        ]
        index = encode_index(mode, mode_step, event_file, names, lengths, shape_payload)
        self._place.write(layout.index_path(step, self._worker), [index])

    def end_training(self) -> None:
        """Say that nothing more comes, of any worker."""
        self._place.write(layout.END_OF_JOB, [b""])


def _named(reductions: Mapping[str, Mapping[Reduction, Any]]) -> Iterator[tuple[str, Array]]:
    for tensor, values in reductions.items():
        for reduction, value in values.items():
            yield reduction_tensor_name(tensor, reduction), np.asarray(value)
