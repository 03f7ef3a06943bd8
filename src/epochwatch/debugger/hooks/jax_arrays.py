"""JAX's arrays: what is computed of them within a compiled step, and recorded when it has arrived."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import jax.numpy as jnp
import numpy as np

from epochwatch.debugger.hooks.arrays import reduced, storable
from epochwatch.debugger.hooks.recorder import Recorder
from epochwatch.debugger.measure import COLUMNS
from epochwatch.debugger.source import Array
from epochwatch.debugger.store.safetensors import Bfloat16
from epochwatch.debugger.store.writer import Statistics

NUMBERS: Final = COLUMNS[1:8]
COUNTS: Final = COLUMNS[8:]


class Looked(NamedTuple):
    """What was seen of gradients and weights: a row of ``NUMBERS`` and one of ``COUNTS`` for each gradient, then for
    each weight, and the L2 norm of what the step changed of each weight.
    """

    numbers: Any
    counts: Any
    updates: Any


def nothing(count: int) -> Looked:
    """What ``look`` gives of so many parameters at a step at which nothing is looked at."""
    return Looked(
        jnp.full((2 * count, len(NUMBERS)), jnp.nan, jnp.float32),
        jnp.zeros((2 * count, len(COUNTS)), jnp.int32),
        jnp.full(count, jnp.nan, jnp.float32),
    )


def look(gradients: Sequence[Any], weights: Sequence[Any], changes: Sequence[Any]) -> Looked:
    """Statistics of gradients, of the weights after a step and of what it changed. May be compiled."""
    rows = [_row(one) for one in (*gradients, *weights)]
    norms = [_row(change)[0][NUMBERS.index("l2")] for change in changes]
    return Looked(jnp.stack([row[0] for row in rows]), jnp.stack([row[1] for row in rows]), jnp.stack(norms))


def norm(arrays: Sequence[Any]) -> Any:
    """The L2 norm of arrays together. May be compiled."""
    squares = [jnp.sum(jnp.square(jnp.abs(one).astype(jnp.float32))) for one in arrays]
    return jnp.sqrt(sum(squares, jnp.zeros((), jnp.float32)))


def record_looked(
    recorder: Recorder, names: Sequence[str], sizes: Sequence[int], found: Looked, *, shifted: bool = False
) -> None:
    """Record what was seen of parameters with these names and sizes, as far as it is wanted. Where the step that was
    looked at is due by another count (``shifted``), that is what any collection has.
    """
    every = [*(f"gradient/{name}" for name in names), *names]
    kept = [
        position
        for position, name in enumerate(every)
        if (recorder.has_member(name) if shifted else recorder.wanted(name).statistics)
    ]
    if not kept:
        return
    whole = np.array([*sizes, *sizes], np.float64)

    def columns() -> Statistics:
        numbers, counts, updates = (np.asarray(part, np.float64) for part in found)
        values = {name: numbers[kept, number] for number, name in enumerate(NUMBERS)}
        values |= {name: counts[kept, number] for number, name in enumerate(COUNTS)}
        update = np.concatenate([np.full(len(updates), np.nan), updates])
        return Statistics([every[one] for one in kept], {"size": whole[kept], **values, "update_l2": update[kept]})

    recorder.statistics(columns)


def record_arrays(recorder: Recorder, arrays: Mapping[str, Any]) -> None:
    """Record whole arrays, reductions and shapes, as far as they are wanted; of copies, for the next step may be given
    the arrays themselves.
    """
    for name, array in arrays.items():
        wanted = recorder.wanted(name)
        if not (wanted.raw or wanted.reductions or wanted.shape):
            continue
        copied = jnp.copy(array)
        if wanted.raw:
            recorder.tensors({name: partial(_whole, copied)}, array.nbytes)
        if wanted.reductions:
            recorder.statistics(partial(_reductions, name, copied, wanted.reductions))
        if wanted.shape:
            recorder.statistics(Statistics([], {}), {name: array.shape})


def _whole(array: Any) -> Array | Bfloat16:
    return storable(np.asarray(array))


def _reductions(name: str, array: Any, wanted: Sequence[str]) -> Statistics:
    values = np.asarray(array)
    return Statistics([name], {one: np.array([reduced(one, values)]) for one in wanted})


def later(value: Any, position: int = 0) -> Callable[[], float]:
    """A number of an array, when it is there."""
    return lambda: float(np.asarray(value).reshape(-1)[position])


def _row(array: Any) -> tuple[Any, Any]:
    """(numbers, counts) of an array; without a finite element the numbers are NaN."""
    if jnp.iscomplexobj(array):
        array = jnp.stack([array.real, array.imag])
    if array.dtype != jnp.float64:
        array = array.astype(jnp.float32)
    if not array.size:
        return jnp.full(len(NUMBERS), jnp.nan, jnp.float32), jnp.zeros(len(COUNTS), jnp.int32)
    finite = jnp.isfinite(array)
    count = jnp.count_nonzero(finite)
    known = jnp.where(finite, array, 0)
    absolute = jnp.abs(known)
    largest = absolute.max()
    scaled = known / jnp.where(largest > 0, largest, 1)  # squares of large numbers overflow
    mean = known.sum() / count
    around = jnp.where(finite, array - mean, 0)
    numbers = {
        "mean": mean,
        "std": jnp.sqrt(jnp.square(around).sum() / count),
        "min": jnp.where(finite, array, jnp.inf).min(),
        "max": jnp.where(finite, array, -jnp.inf).max(),
        "l2": largest * jnp.sqrt(jnp.square(scaled).sum()),
        "abs_mean": absolute.sum() / count,
        "abs_max": largest,
    }
    row = jnp.stack([numbers[name] for name in NUMBERS]).astype(jnp.float32)
    nans = jnp.count_nonzero(jnp.isnan(array))
    counts = jnp.stack([jnp.count_nonzero(array == 0), nans, array.size - count - nans])
    return jnp.where(count > 0, row, jnp.nan), counts.astype(jnp.int32)
