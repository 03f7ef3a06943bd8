"""UMLAUT (CHI 2021), re-implemented from its description: what it tells of a Keras program at each epoch's end.

Checks of the source code (activations between layers, a softmax in front of the loss, the shape of pictures) have no
counterpart in a recorded run; those of the data, the learning rate, dropout and the curves are here, with its limits.
"""

import math
from collections.abc import Iterator, Sequence

from benchmarks.faults.catalogue import EPOCH
from benchmarks.faults.detectors.alarm import Alarm, Detector, Recorded


def look(run: Recorded) -> Sequence[Alarm]:
    """Each check where it first speaks, the earliest first."""
    found: dict[str, int] = {}
    for rule, step in _spoken(run):
        found.setdefault(rule, step)
    return sorted((Alarm(*item) for item in found.items()), key=lambda alarm: alarm.step)


def _spoken(run: Recorded) -> Iterator[tuple[str, int]]:
    noted, epochs = run.noted, run.noted["epochs"]
    for number, epoch in enumerate(epochs):
        step = (number + 1) * EPOCH - 1
        if noted["inputs"] is not None and (noted["inputs"][0] < -1 or noted["inputs"][1] > 1):
            yield "InputNotNormalized", step
        if math.isnan(epoch["loss"]):
            yield "NanInLoss", step
        if noted["rate"] > 0.01:
            yield "LearningRateHigh", step
        if noted["rate"] < 1e-7:
            yield "LearningRateLow", step
        if noted["dropout"] > 0.5:
            yield "HighDropout", step
        if number and _moved(epochs, number, "held_back_loss") > 0 >= _moved(epochs, number, "loss"):
            yield "Overfitting", step
        if number >= 3 and noted["classes"] and epoch["held_back_quality"] > min(0.95, epoch["quality"]):
            yield "HighValidationAccuracy", step


def _moved(epochs: Sequence[dict[str, float]], number: int, name: str) -> float:
    return epochs[number][name] - epochs[number - 1][name]


UMLAUT = Detector(
    "UMLAUT",
    look,
    {
        "InputNotNormalized": frozenset({"unnormalised", "inputs_change", "bad_batches", "nan_inputs"}),
        "NanInLoss": frozenset(
            {"nan_inputs", "overflow", "rate_too_high", "rate_jumps", "large_init", "unnormalised"}
        ),
        "LearningRateHigh": frozenset({"rate_too_high"}),
        "LearningRateLow": frozenset({"rate_too_low"}),
        "Overfitting": frozenset({"overfit", "random_labels", "repeated_batch"}),
    },
)
