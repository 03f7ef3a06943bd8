"""Labels and predictions as numbers of classes."""

from collections.abc import Sequence

import numpy as np

from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.debugger.source import Array
from epochwatch.debugger.tensor import Tensor

Classes = np.ndarray[tuple[int], np.dtype[np.int64]]


def class_numbers(name: str, array: Array, argmax: bool) -> Classes:
    """The class of each sample: the place of the largest value along the last axis with ``argmax`` where there are
    several, else the values to the nearest whole number. Raises SMDebugValueError for NaN and what is no number.
    """
    if array.dtype.kind not in "fiub":
        raise SMDebugValueError(f"{name} must hold numbers of classes, not {array.dtype}")
    if argmax and array.ndim > 1 and array.shape[-1] > 1:
        return np.ravel(np.argmax(array, axis=-1)).astype(np.int64)
    flat = np.ravel(array)
    if flat.dtype.kind == "f" and not np.isfinite(flat).all():
        raise SMDebugValueError(f"{name} holds NaN or infinities, which are no classes")
    return np.rint(flat).astype(np.int64) if flat.dtype.kind == "f" else flat.astype(np.int64)


def classes_of(tensors: Sequence[Tensor], step: int, argmax: bool) -> Classes:
    """The classes in some tensors at a global step, in the order given, of each worker."""
    parts = [
        class_numbers(tensor.name, tensor.value(step, worker=worker), argmax)
        for tensor in tensors
        for worker in tensor.workers(step)
    ]
    return np.concatenate(parts)


def paired(
    labels: Sequence[Tensor], predictions: Sequence[Tensor], step: int, argmax: bool
) -> tuple[Classes, Classes]:
    """The classes of the labels and of the predictions at a global step. Raises SMDebugValueError unless there is a
    prediction for each label.
    """
    sides = classes_of(labels, step, argmax), classes_of(predictions, step, argmax)
    if sides[0].shape != sides[1].shape:
        hint = "" if argmax else "; a vector of probabilities for each sample needs argmax"
        names = [", ".join(tensor.name for tensor in tensors) for tensors in (labels, predictions)]
        raise SMDebugValueError(
            f"{names[0]} has {sides[0].size} labels and {names[1]} {sides[1].size} predictions at step {step}{hint}"
        )
    return sides
