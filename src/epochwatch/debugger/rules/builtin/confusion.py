"""Confusion: how far a classifier's confusion matrix is from a good one."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.classes import Classes, paired
from epochwatch.debugger.rules.builtin.rule import BuiltinRule, Violation, selected
from epochwatch.debugger.tensor import Tensor

Matrix = np.ndarray[tuple[int, int], np.dtype[np.int64]]


class Confusion(BuiltinRule):
    """Of a step's confusion matrix (``[label][prediction]``) an element of the diagonal makes up less than ``min_diag``
    of the whole diagonal, or one beside it more than ``max_off_diag`` of its column.

    That is the guide's own definition: shares of the diagonal add up to 1, so that with two categories or more the
    default of ``min_diag`` is met by hardly any model; 0 leaves it out.
    """

    category_no = parameter.optional_integer(2)
    labels = parameter.text("labels")
    predictions = parameter.text("predictions")
    labels_collection = parameter.text("labels")
    predictions_collection = parameter.text("predictions")
    min_diag = parameter.number(0.9, 0, 1)
    max_off_diag = parameter.number(0.1, 0, 1)

    def violations(self, step: int) -> Iterator[Violation]:
        """See ``BuiltinRule``."""
        labels = self._tensors(self.labels, self.labels_collection, step)
        predictions = self._tensors(self.predictions, self.predictions_collection, step)
        if not labels or not predictions:
            return
        matrix = confusion_matrix(*paired(labels, predictions, step, argmax=True), self.category_no)
        self.looked_at(int(matrix.sum()))
        name = ", ".join(tensor.name for tensor in (*labels, *predictions))
        yield from (Violation(name, message) for message in self._judged(matrix))

    def _tensors(self, name: str, collection: str, step: int) -> list[Tensor]:
        """Of the collection those whose name holds ``name``; the tensor of just this name if there is none."""
        found = [one for one in selected(self.base_trial, step, [collection], None) if name in one]
        if not found and self.base_trial.has_saved(name, step):
            found = [name]
        return [self.base_trial.tensor(one) for one in found]

    def _judged(self, matrix: Matrix) -> Iterator[str]:
        if not matrix.sum():
            return
        diagonal, beside = shares(matrix)
        for number, share in enumerate(diagonal):
            if not share >= self.min_diag:
                yield f"category {number} makes up {share:.3g} of the diagonal, less than {self.min_diag:g}"
        for label, said in zip(*np.nonzero(beside > self.max_off_diag), strict=True):
            yield (
                f"of what is predicted as category {said} the share {beside[label, said]:.3g} is category {label}, "
                f"more than {self.max_off_diag:g}"
            )


def confusion_matrix(labels: Classes, predictions: Classes, categories: int | None = None) -> Matrix:
    """Counts by [label][prediction], of as many categories as there are if not given. Raises SMDebugValueError for a
    class that is none of them.
    """
    largest = max((int(side.max()) for side in (labels, predictions) if side.size), default=-1)
    smallest = min((int(side.min()) for side in (labels, predictions) if side.size), default=0)
    count = largest + 1 if categories is None else categories
    if smallest < 0 or largest >= count:
        wrong = smallest if smallest < 0 else largest
        raise SMDebugValueError(f"{wrong} is no category: there are {count}, from 0 (category_no)")
    matrix = np.zeros((count, count), np.int64)
    np.add.at(matrix, (labels, predictions), 1)
    return matrix


def shares(matrix: Matrix) -> tuple[Any, Any]:
    """(of each element of the diagonal its share of the diagonal, of each element beside it its share of the column);
    0 where there is nothing to share.
    """
    diagonal, columns = np.diag(matrix), matrix.sum(axis=0)
    beside = matrix / np.maximum(columns, 1)
    np.fill_diagonal(beside, 0.0)
    return diagonal / max(int(diagonal.sum()), 1), beside
