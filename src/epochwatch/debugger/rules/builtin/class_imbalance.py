"""ClassImbalance: classes that are rare among the samples, or mostly mistaken for others."""

from collections.abc import Iterator, Sequence

import numpy as np

from epochwatch.debugger.rules.builtin import parameter
from epochwatch.debugger.rules.builtin.classes import Classes, classes_of, paired
from epochwatch.debugger.rules.builtin.rule import BuiltinRule, Violation, selected
from epochwatch.debugger.tensor import Tensor


class ClassImbalance(BuiltinRule):
    """Once ``samples`` labels were seen: the largest class has more than ``threshold_imbalance`` times the samples of
    the smallest, or more than the fraction ``threshold_misprediction`` of a class is predicted wrong.

    Counts are of all steps so far. Without predictions only the first is looked at.
    """

    threshold_imbalance = parameter.number(10.0, 0)
    threshold_misprediction = parameter.number(0.7, 0, 1)
    samples = parameter.integer(500, 1)
    argmax = parameter.flag(False)
    labels_regex = parameter.patterns(".*labels")
    predictions_regex = parameter.patterns(".*predictions")

    _seen: dict[int, int]
    _wrong: dict[int, int]
    _predicted: dict[int, int]

    def check_parameters(self) -> None:
        """See ``BuiltinRule``."""
        self._seen, self._wrong, self._predicted = {}, {}, {}

    def violations(self, step: int) -> Iterator[Violation]:
        """See ``BuiltinRule``."""
        labels, predictions = self._tensors(self.labels_regex, step), self._tensors(self.predictions_regex, step)
        if not labels:
            return
        self._count(labels, predictions, step)
        if sum(self._seen.values()) < self.samples:
            return
        name = ", ".join(tensor.name for tensor in labels)
        yield from (Violation(name, message) for message in (*self._imbalance(), *self._mispredictions()))

    def _tensors(self, patterns: Sequence[str], step: int) -> list[Tensor]:
        return [self.base_trial.tensor(name) for name in selected(self.base_trial, step, None, patterns)]

    def _count(self, labels: list[Tensor], predictions: list[Tensor], step: int) -> None:
        if predictions:
            found, said = paired(labels, predictions, step, self.argmax)
            _add(self._wrong, found[found != said])
            _add(self._predicted, found)
        else:
            found = classes_of(labels, step, self.argmax)
        _add(self._seen, found)
        self.looked_at(len(found))

    def _imbalance(self) -> Iterator[str]:
        smallest = min(self._seen, key=self._seen.__getitem__)
        largest = max(self._seen, key=self._seen.__getitem__)
        ratio = self._seen[largest] / self._seen[smallest]
        if ratio > self.threshold_imbalance:
            yield (
                f"class {largest} has {self._seen[largest]} samples and class {smallest} {self._seen[smallest]}: "
                f"{ratio:.4g} times as many, more than {self.threshold_imbalance:g}"
            )

    def _mispredictions(self) -> Iterator[str]:
        for number, count in sorted(self._predicted.items()):
            share = self._wrong.get(number, 0) / count
            if share > self.threshold_misprediction:
                yield (
                    f"of class {number} the fraction {share:.3g} is predicted wrong, "
                    f"more than {self.threshold_misprediction:g}"
                )


def _add(counts: dict[int, int], classes: Classes) -> None:
    for number, count in zip(*np.unique(classes, return_counts=True), strict=True):
        counts[int(number)] = counts.get(int(number), 0) + int(count)
