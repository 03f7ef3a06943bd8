"""What hooks share whose framework gives up its arrays as NumPy's: what is wanted of each is computed and recorded."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from epochwatch.debugger.collection import Collection
from epochwatch.debugger.hooks.config import HookConfig
from epochwatch.debugger.hooks.recorder import Recorder, Wanted
from epochwatch.debugger.measure import COLUMNS, row
from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.debugger.reductions import reduce
from epochwatch.debugger.source import Array
from epochwatch.debugger.store.safetensors import Bfloat16
from epochwatch.debugger.store.writer import Statistics

_BIAS: Final = "(?i:bias|intercept|beta)[^/.]*(\\.[0-9]+)?$"
_SCALARS: Final = "gradient_norm|learning_rate|loss|step_seconds|scalar/.*"
COLLECTIONS: Final = (
    Collection("weights", [f"^(?!gradient/|({_SCALARS})$)(?!.*{_BIAS})"]),
    Collection("biases", [f"^(?!gradient/).*{_BIAS}"]),
    Collection("gradients", ["^gradient/"]),
    Collection("losses", ["^loss$"]),
    Collection("metrics", [f"^({_SCALARS})$"]),
    Collection("all", [".*"]),
)


class ArrayHook:
    """A recorder and what a user may call; a framework's own hook says when and what."""

    def __init__(
        self,
        out_dir: str | None,
        config: HookConfig | None,
        worker: int = 0,
        num_workers: int = 1,
        collections: Sequence[Collection] = COLLECTIONS,
    ) -> None:
        if config is None:
            config = HookConfig.from_environment() if out_dir is None else HookConfig(out_dir)
        self.recorder = Recorder(config, worker=f"worker_{worker}", num_workers=num_workers, defaults=collections)

    def set_mode(self, mode: ModeKeys) -> None:
        """The phase from now on."""
        self.recorder.set_mode(mode)

    def save_scalar(self, name: str, value: Any) -> None:
        """A number of the step that is now, as ``scalar/<name>``."""
        with self.recorder.guard:
            self.recorder.scalars({f"scalar/{name}": float(value)})

    def save_tensor(self, name: str, value: Any) -> None:
        """An array of the step that is now."""
        with self.recorder.guard:
            self.recorder.tensors({name: np.array(value)})

    def close(self) -> None:
        """Write what waits. Called by itself when the process ends."""
        self.recorder.close()


def record(recorder: Recorder, arrays: Mapping[str, Array], updates: Mapping[str, float] | None = None) -> None:
    """What is wanted of some arrays at the step that is now, computed at once. ``updates`` are the L2 norms of what
    the step changed, as far as they are known; None where nothing changes such arrays.
    """
    alike: dict[Wanted, list[str]] = {}
    for name in arrays:
        if wanted := recorder.wanted(name):
            alike.setdefault(wanted._replace(raw=False), []).append(name)
            if wanted.raw:
                recorder.tensors({name: storable(np.array(arrays[name]))})
    for wanted, names in alike.items():
        columns = statistics_of([arrays[name] for name in names]) if wanted.statistics else {}
        if updates is not None and wanted.statistics:
            columns["update_l2"] = np.array([updates.get(name, np.nan) for name in names])
        for one in wanted.reductions:
            columns.setdefault(one, np.array([reduced(one, arrays[name]) for name in names], np.float64))
        shapes = {name: np.shape(arrays[name]) for name in names} if wanted.shape else None
        recorder.statistics(Statistics(names if columns else [], columns), shapes)


def statistics_of(arrays: Sequence[Array]) -> dict[str, Array]:
    """The columns of statistics of some arrays. Without a finite element everything but the counts is NaN."""
    rows = np.array([row(_real(array)) for array in arrays], np.float64).reshape(len(arrays), len(COLUMNS))
    return {name: rows[:, number] for number, name in enumerate(COLUMNS)}


def _real(array: Array) -> Array:
    flat = np.asarray(array).reshape(-1)
    return flat.view(flat.real.dtype) if flat.dtype.kind == "c" else flat.astype(np.float64)


def reduced(name: str, array: Array) -> float:
    """A reduction by its column's name, such as ``abs_max``."""
    return float(reduce(name.removeprefix("abs_"), _real(array), name.startswith("abs_")))


def storable(array: Array) -> Array | Bfloat16:
    """An array as the store takes it: bfloat16, which frameworks bring to NumPy as a type of their own, by its bits."""
    return Bfloat16(array.view(np.uint16)) if array.dtype.name == "bfloat16" else array


def update_norms(before: Mapping[str, Array], after: Mapping[str, Array]) -> dict[str, float]:
    """The L2 norm of what changed, of those that are in both with the same shape."""
    return {
        name: float(np.linalg.norm(_real(after[name]) - _real(old)))
        for name, old in before.items()
        if name in after and np.shape(after[name]) == np.shape(old)
    }
