"""Trials from one format to the other."""

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
    "int8": "int32", "int16": "int32", "uint16": "int32", "uint32": "int64", "complex64": "complex128",
}  # fmt: skip


def import_smdebug(source: str, destination: str) -> None:
    """Copy a trial into our own format."""
    trial = _opened(source, destination)
    for worker in trial.workers():
        writer = StoreWriter(destination, worker, list(trial.collections().values()), trial.num_workers)
        for step, mode, mode_step, entries in _steps(trial, worker):
            tensors, reductions, shapes = _read(trial, entries)
            at = {"mode": mode, "mode_step": mode_step}
            writer.write_step(step, tensors=tensors, shapes=shapes, **at)
            for statistics in _statistics(reductions):
                writer.write_step(step, statistics=statistics, **at)
        writer.close()
    _end(trial, destination)


def export_smdebug(source: str, destination: str) -> None:
    """Copy a trial into smdebug's layout, in which smdebug reads the same values: types that its reader does not know
    are widened.
    """
    trial = _opened(source, destination)
    for worker in trial.workers():
        writer = SmdebugWriter(destination, worker, list(trial.collections().values()), trial.num_workers)
        for step, mode, mode_step, entries in _steps(trial, worker):
            tensors, reductions, shapes = _read(trial, entries)
            tensors = {name: _widened(value) for name, value in tensors.items()}
            writer.write_step(step, tensors, reductions=reductions, shapes=shapes, mode=mode, mode_step=mode_step)
    _end(trial, destination)


def _widened(value: Array) -> Array:
    wider = _WIDER.get(str(value.dtype))
    return value if wider is None else value.astype(wider)


def _opened(source: str, destination: str) -> Trial:
    if open_place(destination).names(layout.COLLECTIONS):
        raise SMDebugValueError(f"there is a trial in {destination} already: give an empty place")
    return create_trial(source)


def _end(trial: Trial, destination: str) -> None:
    if trial.loaded_all_steps:
        open_place(destination).write(layout.END_OF_JOB, [b""])


def _steps(trial: Trial, worker: str) -> Any:
    for step, _ in trial.numbered_steps(ModeKeys.GLOBAL):
        mode, mode_step = trial.mode_modestep(step)
        found = {name: trial.entries(name, step).get(worker) for name in trial.tensor_names(step=step)}
        entries = {name: entry for name, entry in found.items() if entry is not None}
        if entries:
            yield step, mode, mode_step, entries


def _read(
    trial: Trial, entries: dict[str, Entry]
) -> tuple[dict[str, Array], dict[str, dict[Reduction, Any]], dict[str, tuple[int, ...]]]:
    """(arrays, reductions, shapes) of a step, by tensor; read together."""
    raw = {name: entry.location for name, entry in entries.items() if entry.location is not None}
    saved = [
        (name, reduction, location)
        for name, entry in entries.items()
        for reduction, location in entry.reductions.items()
    ]
    values = trial.source.values([*raw.values(), *(location for *_, location in saved)])
    reductions: dict[str, dict[Reduction, Any]] = {}
    for (name, reduction, _), value in zip(saved, values[len(raw) :], strict=True):
        reductions.setdefault(name, {})[reduction] = value
    shapes = {name: entry.shape for name, entry in entries.items() if entry.shape is not None and name not in raw}
    return dict(zip(raw, values, strict=False)), reductions, shapes


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
