"""Trials from one format to the other."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from epochwatch.debugger.create import create_trial
from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.debugger.places import open_place
from epochwatch.debugger.reductions import Reduction
from epochwatch.debugger.smdebug import layout
from epochwatch.debugger.smdebug.writer import SmdebugWriter
from epochwatch.debugger.source import Array, Entry
from epochwatch.debugger.store.writer import Statistics, StoreWriter
from epochwatch.debugger.trial import Trial

_WIDER: Final = {
    np.dtype(name): np.dtype(wider)
    for name, wider in {
        "int8": "int32", "int16": "int32", "uint16": "int32", "uint32": "int64", "complex64": "complex128",
    }.items()
}  # fmt: skip
BYTES_TOGETHER: Final = 1 << 26
"""Of a step of more bytes, the arrays go into several files."""


def import_smdebug(source: str, destination: str) -> None:
    """Copy a trial into our own format."""
    trial = _opened(source, destination)
    for worker in trial.workers():
        writer = StoreWriter(destination, worker, list(trial.collections().values()), trial.num_workers)
        for step, saved in _steps(trial, worker):
            for tensors in _batches(_values(trial, saved)):
                writer.write_step(step, tensors=tensors, **_modes(trial, step))
            statistics = _statistics(_reductions(trial, saved))
            shapes = _shapes(saved)
            if statistics or shapes:
                writer.write_step(step, statistics=statistics, shapes=shapes, **_modes(trial, step))
        writer.close()
    _end(trial, destination)


def export_smdebug(source: str, destination: str) -> None:
    """Copy a trial into smdebug's layout, in which smdebug reads the same values: types that its reader does not know
    are widened.
    """
    trial = _opened(source, destination)
    for worker in trial.workers():
        writer = SmdebugWriter(destination, worker, list(trial.collections().values()), trial.num_workers)
        for step, saved in _steps(trial, worker):
            tensors = ((name, _widened(value)) for name, value in _values(trial, saved))
            reductions = _reductions(trial, saved)
            writer.write_step(step, tensors, reductions=reductions, shapes=_shapes(saved), **_modes(trial, step))
    _end(trial, destination)


def _widened(value: Array) -> Array:
    wider = _WIDER.get(value.dtype)
    return value if wider is None else value.astype(wider)


def _opened(source: str, destination: str) -> Trial:
    if open_place(destination).names(layout.COLLECTIONS):
        raise SMDebugValueError(f"there is a trial in {destination} already: give an empty place")
    return create_trial(source)


def _end(trial: Trial, destination: str) -> None:
    if trial.loaded_all_steps:
        open_place(destination).write(layout.END_OF_JOB, [b""])


def _steps(trial: Trial, worker: str) -> Iterator[tuple[int, Mapping[str, Entry]]]:
    for step, _ in trial.numbered_steps(ModeKeys.GLOBAL):
        if saved := trial.saved(step, worker):
            yield step, saved


def _modes(trial: Trial, step: int) -> Any:
    mode, mode_step = trial.mode_modestep(step)
    return {"mode": mode, "mode_step": mode_step}


def _values(trial: Trial, saved: Mapping[str, Entry]) -> Iterator[tuple[str, Array]]:
    """The arrays of a step one by one."""
    raw = {name: entry.location for name, entry in saved.items() if entry.location is not None}
    names = list(raw)
    for number, value in trial.source.each(list(raw.values())):
        yield names[number], value


def _batches(values: Iterator[tuple[str, Array]]) -> Iterator[dict[str, Array]]:
    """Arrays by as many as may be in memory together."""
    batch: dict[str, Array] = {}
    size = 0
    for name, value in values:
        if batch and size + value.nbytes > BYTES_TOGETHER:
            yield batch
            batch, size = {}, 0
        batch[name] = value
        size += value.nbytes
    if batch:
        yield batch


def _reductions(trial: Trial, saved: Mapping[str, Entry]) -> dict[str, dict[Reduction, Any]]:
    """By tensor, read together."""
    locations = [
        (name, reduction, location)
        for name, entry in saved.items()
        for reduction, location in entry.reductions.items()
    ]
    reductions: dict[str, dict[Reduction, Any]] = {}
    values = trial.source.values([location for *_, location in locations])
    for (name, reduction, _), value in zip(locations, values, strict=True):
        reductions.setdefault(name, {})[reduction] = value
    return reductions


def _shapes(saved: Mapping[str, Entry]) -> dict[str, tuple[int, ...]]:
    """Of the tensors that are not saved whole."""
    return {
        name: entry.shape for name, entry in saved.items() if entry.shape is not None and entry.location is None
    }


def _statistics(reductions: dict[str, dict[Reduction, Any]]) -> list[Statistics]:
    """As columns; tensors with the same reductions together."""
    groups: dict[tuple[Reduction, ...], list[str]] = {}
    for name, values in reductions.items():
        groups.setdefault(tuple(values), []).append(name)
    return [
        Statistics(names, {("abs_" if key[1] else "") + key[0]: _column(reductions, names, key) for key in keys})
        for keys, names in groups.items()
    ]


def _column(reductions: dict[str, dict[Reduction, Any]], names: list[str], key: Reduction) -> Array:
    return np.concatenate([np.ravel(reductions[name][key])[:1] for name in names])
