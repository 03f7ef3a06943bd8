"""Which scalars and tensors of a step mean what: losses, gradients, weights, inputs, labels."""

import re
from collections.abc import Callable, Set
from typing import Final

import numpy as np

from epochwatch.debugger.mode_keys import ModeKeys
from epochwatch.debugger.rules.stream import StepStatistics
from epochwatch.debugger.source import Array

GRADIENT: Final = "gradient/"
_TRAINED: Final = (ModeKeys.TRAIN, ModeKeys.GLOBAL)
_LOSS: Final = re.compile(r"loss(_output_0)?$|(log|log)loss$|(^|[-_:/])(rmse|mae|mse|error|nll)$", re.IGNORECASE)
_HELD_OUT: Final = re.compile(r"(^|[-_:/])(val|valid|validation|eval|evaluation|test|dev)[-_:/0-9]", re.IGNORECASE)
_TRAINING: Final = re.compile(r"(^|[-_:/])train(ing)?[-_:/]", re.IGNORECASE)
_MODULE: Final = re.compile(r"_(input|output)_\d+$")
_LABELS: Final = re.compile(r"(^|[_/])(labels?|targets?)(_\d+)?$|loss_input_1$", re.IGNORECASE)
_INPUTS: Final = re.compile(r"(^|[_/])inputs?(_\d+)?$", re.IGNORECASE)
_MODEL_INPUT: Final = re.compile(r"[A-Z][A-Za-z0-9]*_input_\d+")
_LOGITS: Final = re.compile(r"(^|[_/.])logits(_\d+)?$|loss_input_0$", re.IGNORECASE)
_PREDICTIONS: Final = re.compile(r"loss_input_0$", re.IGNORECASE)
_MEASURED_LABELS: Final = re.compile(r"(MSE|L1|SmoothL1|Huber)Loss_input_1$")
_SQUARED_LABELS: Final = re.compile(r"MSELoss_input_1$")
_MATRIX: Final = re.compile(r"^(\w+_)?weight(_\w+)?$|^kernel$|^embedding$")
_EXPERT: Final = re.compile(r"experts?[._]", re.IGNORECASE)
_BIAS: Final = re.compile(r"bias(_[a-z]+_l\d+(_reverse)?)?$")
_TABLE: Final = re.compile(
    r"embed|lookup|(^|[._/])(wte|wpe|tokens?|positions?|vocab|users?|items?)[._]", re.IGNORECASE
)
_ADAPTER: Final = re.compile(r"lora|adapter", re.IGNORECASE)
_NORM: Final = re.compile(r"(norm|bn|ln)[\d_]*$", re.IGNORECASE)
_STATE: Final = re.compile(r"(^|/)(optimizer|exp_avg|momentum)", re.IGNORECASE)
_CROSS_ENTROPY: Final = re.compile(r"cross_?entropy|nll_?loss|mlogloss", re.IGNORECASE)


def training_loss(step: StepStatistics) -> float | None:
    """The loss of a step that trains, whichever name it has; where its sign was changed, that of the criterion."""
    if step.mode not in _TRAINED:
        return None
    if "loss" in step.scalars:
        turned = turned_loss(step)
        return step.scalars["loss"] if turned is None else turned
    named = [name for name in step.scalars if _LOSS.search(name) and not _HELD_OUT.search(name)]
    return step.scalars[min(named, key=lambda name: (not _TRAINING.search(name), name))] if named else None


def turned_loss(step: StepStatistics) -> float | None:
    """What a criterion gave, where the backward pass began at its negative."""
    loss = step.scalars.get("loss")
    if step.mode in _TRAINED and loss is not None and loss < 0:
        for name, value in step.scalars.items():
            if name.endswith("_output_0") and abs(loss + value) <= 1e-4 * value:
                return value
    return None


def held_out_loss(step: StepStatistics) -> float | None:
    """The loss on data that is not trained on."""
    for name, value in step.scalars.items():
        if _LOSS.search(name) and (step.mode is ModeKeys.EVAL or _HELD_OUT.search(name)):
            return value
    return None


def gradient_norm(step: StepStatistics) -> float | None:
    """Of all gradients together, before clipping where it is known."""
    return step.scalars.get("gradient_norm")


def learning_rate(step: StepStatistics) -> float | None:
    """The first group's."""
    found = [value for name, value in step.scalars.items() if name.startswith(("learning_rate", "lr"))]
    return found[0] if found else None


class Chosen:
    """The positions of the tensors a rule looks at; looked for again only when names or shapes change."""

    def __init__(self, wanted: Callable[[str, Set[str]], bool]) -> None:
        """``wanted`` gets a name, and the names that are matrices."""
        self._wanted = wanted
        self._names: tuple[str, ...] | None = None
        self._shapes = -1
        self._positions: Array = np.empty(0, np.int64)

    def of(self, step: StepStatistics) -> Array:
        """Ascending, which is the order of the model."""
        if self._names is not step.names or self._shapes != len(step.shapes):
            self._names, self._shapes = step.names, len(step.shapes)
            among = matrices(step)
            chosen = [place for place, name in enumerate(step.names) if self._wanted(name, among)]
            self._positions = np.array(chosen, np.int64)
        return self._positions


def matrices(step: StepStatistics) -> set[str]:
    """Parameters with rows and columns, and their gradients: no biases, no scales of a normalisation. Where a
    shape is not known, what is called a weight and is larger than its bias.
    """
    sizes = dict(zip(step.names, step.column("size").tolist(), strict=True))

    def is_matrix(name: str) -> bool:
        shape = step.shapes.get(name, step.shapes.get(name.removeprefix(GRADIENT)))
        if shape is not None:
            return len(shape) >= 2
        module, _, last = name.rpartition(".")
        if not _MATRIX.search(last) or _NORM.search(module):
            return False
        return not sizes[name] <= sizes.get(bias_of(name), 0)

    return {name for name in step.names if is_matrix(name)}


def bias_of(name: str) -> str:
    """What the bias beside a weight is called: ``bias_ih_l0`` beside ``weight_ih_l0``."""
    module, dot, last = name.rpartition(".")
    return module + dot + last.replace("weight", "bias").replace("kernel", "bias")


def is_bias(name: str) -> bool:
    """Whether it is a bias of a layer, or its gradient; not that of experts, of which some get no samples."""
    return bool(_BIAS.search(name)) and not _EXPERT.search(name)


def is_adapter(name: str) -> bool:
    """Whether it is the half of an adapter that begins at zero."""
    return bool(_ADAPTER.search(name))


def is_table(name: str) -> bool:
    """Whether a matrix is looked up by rows, so that most of its gradient is zero."""
    return bool(_TABLE.search(name))


def is_gradient(name: str) -> bool:
    """Whether it is a parameter's gradient."""
    return name.startswith(GRADIENT)


def is_weight(name: str) -> bool:
    """Whether it is a parameter, as far as its name tells."""
    return not (is_gradient(name) or _MODULE.search(name) or _STATE.search(name)) and not is_data(name)


def weight_matrices() -> Chosen:
    """Parameters that are matrices."""
    return Chosen(lambda name, among: is_weight(name) and name in among)


def is_data(name: str) -> bool:
    """Whether it is an input, a label or a prediction."""
    return bool(_INPUTS.search(name) or _LABELS.search(name) or _LOGITS.search(name))


def is_output(name: str) -> bool:
    """Whether it is what a module gave."""
    return "_output_" in name and bool(_MODULE.search(name)) and not _LOSS.search(name)


def is_labels(name: str) -> bool:
    """Whether it is what a loss compares with."""
    return bool(_LABELS.search(name))


def is_input(name: str) -> bool:
    """Whether it is what the whole model is given."""
    return bool(_INPUTS.search(name) or _MODEL_INPUT.fullmatch(name)) and not _LOSS.search(
        name.partition("_input_")[0]
    )


def is_logits(name: str) -> bool:
    """Whether it is what a loss of classes is given."""
    return bool(_LOGITS.search(name))


def is_predictions(name: str) -> bool:
    """Whether it is what a loss compares with labels."""
    return bool(_PREDICTIONS.search(name)) or is_logits(name)


def targets_below_zero(step: StepStatistics) -> bool:
    """Whether a squared or absolute error compares with numbers below zero at this step."""
    return any(
        bool(_MEASURED_LABELS.search(name)) and bool(step.column("min")[place] < 0)
        for place, name in enumerate(step.names)
    )


def label_variance(step: StepStatistics) -> float | None:
    """Of what a mean squared error compares with, where its statistics were saved."""
    for place, name in enumerate(step.names):
        if _SQUARED_LABELS.search(name):
            return float(step.column("std")[place] ** 2)
    return None


def number_of_classes(step: StepStatistics) -> int | None:
    """Of a loss whose name says that it is a cross entropy: the last extent of what it is given, else the rows of the
    model's last matrix. None for any other loss.
    """
    if not any(_CROSS_ENTROPY.search(name) for name in (*step.scalars, *step.names)):
        return None
    for name in step.names:
        if is_logits(name) and len(step.shapes.get(name, ())) == 2:
            return step.shapes[name][-1]
    last = next((name for name in reversed(step.names) if is_weight(name) and name in matrices(step)), None)
    if last is None:
        return None
    if last in step.shapes:
        return step.shapes[last][0]
    bias = bias_of(last)
    return int(step.column("size")[step.names.index(bias)]) if bias in step.names else None
