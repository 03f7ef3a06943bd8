"""Which programs, faults and healthy variants there are, and which runs come of them. Needs no PyTorch.

Programs are split once and for all: thresholds may be chosen by looking at the tuning programs; figures that are
claimed are those of the held-out programs, which nobody looks at while choosing.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

STEPS = 300
"""Optimizer steps of a run."""
EPOCH = 25
"""Steps of training between two evaluations."""


@dataclass(frozen=True)
class Program:
    """A program; ``traits`` say which changes it can take."""

    name: str
    held_out: bool
    traits: frozenset[str]


@dataclass(frozen=True)
class Variant:
    """A healthy way of training that looks like a fault to a careless rule."""

    name: str
    tempts: str
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Fault:
    """A fault in three severities, mildest first; what the number means is in ``changes``."""

    name: str
    what: str
    severities: tuple[float, float, float]
    begins: int | None = 0
    needs: frozenset[str] = frozenset()

    def beginning(self, severity: int) -> int:
        """The step of the injection; where ``begins`` is None the severities are steps."""
        return int(self.severities[severity - 1]) if self.begins is None else self.begins


@dataclass(frozen=True)
class Run:
    """One training. ``severity`` counts from 1; of a healthy run it is 0."""

    program: str
    change: str
    severity: int
    seed: int
    held_out: bool = field(compare=False)
    begins: int = field(default=0, compare=False)

    @property
    def faulty(self) -> bool:
        return self.severity > 0

    @property
    def name(self) -> str:
        return f"{self.program}-{self.change}-{self.severity}-{self.seed}"


def _program(name: str, *traits: str, held_out: bool = False) -> Program:
    return Program(name, held_out, frozenset(traits))


PROGRAMS = (
    # floats: inputs are real numbers; classes: labels are classes; labels: they are not made of the inputs;
    # plain: a stack whose depth and activation can be changed; relu, tanh, dropout: has them;
    # momentum: trained by SGD with momentum, the others by Adam
    _program("mlp_digits", "floats", "classes", "labels", "plain", "relu", "dropout"),
    _program("tanh_regression", "floats", "labels", "plain", "tanh", "momentum"),
    _program("norm_cnn_digits", "floats", "classes", "labels", "plain", "relu", "dropout", "momentum"),
    _program("markov_transformer", "classes", "dropout"),
    _program("digits_autoencoder", "floats", "plain", "relu"),
    _program("wave_gru", "floats", "classes", "labels", "dropout"),
    _program("residual_cnn_digits", "floats", "classes", "labels", "momentum", held_out=True),
    _program("patch_transformer", "floats", "classes", "labels", "dropout", held_out=True),
    _program("graph_network", "classes", "labels", "dropout", held_out=True),
    _program("recommender", "labels", "dropout", held_out=True),
    _program("contrastive_digits", "floats", "plain", "relu", held_out=True),
    _program("noise_predictor", "floats", "plain", held_out=True),
    _program("tabular_sgd", "floats", "classes", "labels", "plain", "relu", "dropout", "momentum", held_out=True),
)

HEALTHY = (
    Variant("plain", "nothing in particular"),
    Variant("warm_up", "the loss hardly moves while the rate grows for 100 steps"),
    Variant("restarts", "the rate jumps up three times: the loss rises and recovers"),
    Variant("step_drop", "updates shrink tenfold half-way"),
    Variant("decay_to_zero", "updates vanish at the end of a cosine"),
    Variant("small_batch", "the loss is noisy: batches of 4"),
    Variant("large_batch", "gradients of successive steps are alike: batches four times as large"),
    Variant("clipped", "gradients are clipped to a small norm"),
    Variant("weight_decay", "weights shrink by decay"),
    Variant("accumulated", "gradients of four batches are added up on purpose"),
    Variant("noisy_labels", "a tenth of the labels is wrong: the loss has a floor", frozenset({"labels"})),
    Variant("label_smoothing", "the loss has a floor far above zero", frozenset({"classes"})),
    Variant("heavy_dropout", "training loss lies above validation loss", frozenset({"dropout"})),
    Variant("patient", "twice as long: converged, gradients all but vanish"),
    Variant("slow_and_steady", "a fifth of the rate: slow, but it learns"),
    Variant("other_optimizer", "momentum instead of Adam, or Adam instead of momentum"),
    Variant("fine_tuning", "the first layer is frozen on purpose"),
    Variant("zero_head", "the last layer begins at zero on purpose"),
    Variant(
        "few_classes",
        "three of four examples belong to one third of the classes",
        frozenset({"classes", "labels"}),
    ),
)

_FLOATS = frozenset({"floats"})
_CLASSES = frozenset({"classes"})
FAULTS = (
    Fault("rate_too_high", "learning rate times 30, 100, 1000", (30, 100, 1000)),
    Fault("rate_too_low", "learning rate divided by 1000, 10,000, 1,000,000", (1e3, 1e4, 1e6)),
    Fault("rate_jumps", "learning rate times 30, 100, 1000 from step 120", (30, 100, 1000), 120),
    Fault("rate_collapses", "learning rate times .8, .5, 0 at each step from step 20", (0.8, 0.5, 0.0), 20),
    Fault("gradients_not_reset", "zero_grad every 50, every 100 steps, never", (50, 100, 1e9)),
    Fault("wrong_sign", "the loss is maximised in 70, 90, 100 % of the steps", (0.7, 0.9, 1.0)),
    Fault("excessive_decay", "weight decay that takes 2, 10, 50 % of the weights a step", (0.02, 0.1, 0.5)),
    Fault(
        "clipped_to_nothing",
        "gradients clipped to a norm of 1e-3, 1e-4, 1e-6",
        (1e-3, 1e-4, 1e-6),
        0,
        frozenset({"momentum"}),
    ),
    Fault("excessive_momentum", "momentum (or beta1) .99, .997, .9995", (0.99, 0.997, 0.9995)),
    Fault(
        "not_in_optimizer",
        "the optimizer was not given half, 3/4, all but the last of the tensors",
        (0.5, 0.75, 1.0),
    ),
    Fault("stale_optimizer", "the optimizer holds a copy of the model, from step 120, 60, 0", (120, 60, 0), None),
    Fault("steps_skipped", "the optimizer's step is left out from step 180, 120, 60", (180, 120, 60), None),
    Fault("detached", "the backbone is cut off from the loss from step 100, 50, 0", (100, 50, 0), None),
    Fault("zero_init", "half, 3/4, all weight matrices begin at zero", (0.5, 0.75, 1.0)),
    Fault("identical_units", "all units of half, 3/4, all layers begin alike", (0.5, 0.75, 1.0)),
    Fault("large_init", "weights begin 5, 10, 30 times too large", (5, 10, 30)),
    Fault("small_init", "weights begin 30, 100, 1000 times too small", (0.03, 0.01, 0.001)),
    Fault("deep_sigmoid", "4, 7, 10 layers of sigmoid without normalisation", (4, 7, 10), 0, frozenset({"plain"})),
    Fault(
        "dead_relu",
        "biases of hidden layers begin at -3, -10, -100",
        (3, 10, 100),
        0,
        frozenset({"plain", "relu"}),
    ),
    Fault(
        "saturated_tanh",
        "weights in front of tanh begin 10, 30, 100 times too large",
        (10, 30, 100),
        0,
        frozenset({"plain"}),
    ),
    Fault(
        "double_softmax",
        "a softmax of temperature .5, 1, 3 in front of the cross-entropy",
        (0.5, 1, 3),
        0,
        _CLASSES,
    ),
    Fault("rectified_output", "a ReLU after the last layer, shifted by 0, 1, 3", (0, 1, 3)),
    Fault("unnormalised", "inputs times 30, 255, 5000", (30, 255, 5000), 0, _FLOATS),
    Fault("inputs_change", "inputs times 10, 50, 1000 from step 150", (10, 50, 1000), 150, _FLOATS),
    Fault(
        "inputs_vanish", "80, 95, 100 % of the inputs' rows are zero from step 100", (0.8, 0.95, 1.0), 100, _FLOATS
    ),
    Fault("nan_inputs", "one, four, all rows of the batch of step 100 are NaN", (1, 4, 1e9), 100, _FLOATS),
    Fault("overflow", "the loss is 1e36, 1e37, inf times itself from step 100", (1e36, 1e37, float("inf")), 100),
    Fault(
        "underflow", "gradients below 1e-3, 1e-2, 1e3 are rounded to zero, as in half precision", (1e-3, 1e-2, 1e3)
    ),
    Fault(
        "random_labels",
        "60, 80, 100 % of the labels belong to other rows",
        (0.6, 0.8, 1.0),
        0,
        frozenset({"labels"}),
    ),
    Fault(
        "labels_shift",
        "labels belong to the next row from step 200, 100, 0",
        (200, 100, 0),
        None,
        frozenset({"labels"}),
    ),
    Fault(
        "imbalance",
        "90, 97, 99.5 % of the rows are of one class",
        (0.9, 0.97, 0.995),
        0,
        frozenset({"classes", "labels"}),
    ),
    Fault("repeated_batch", "each epoch has 3, 2, 1 batches", (3, 2, 1)),
    Fault(
        "not_shuffled",
        "half, 80 %, all of the rows come sorted by label",
        (0.5, 0.8, 1.0),
        0,
        frozenset({"labels"}),
    ),
    Fault("overfit", "64, 32, 16 rows to train on", (64, 32, 16)),
    Fault(
        "bad_batches",
        "inputs of one batch in 30, 15, 8 are 100 times too large from step 30",
        (30, 15, 8),
        30,
        _FLOATS,
    ),
    Fault("slow_loader", "each batch takes 10, 30, 100 ms longer from step 150", (0.01, 0.03, 0.1), 150),
    Fault(
        "growing_steps", "each step takes 0.1, 0.3, 1 ms longer than the last from step 50", (1e-4, 3e-4, 1e-3), 50
    ),
)
OF_MACHINES = frozenset({"slow_loader", "growing_steps"})
"""Faults that cost time and no quality."""


def _fits(needs: frozenset[str], program: Program) -> bool:
    return needs <= program.traits


def runs(
    *,
    programs: Sequence[str] = (),
    changes: Sequence[str] = (),
    severities: Sequence[int] = (1, 2, 3),
    seeds: Sequence[int] = (0,),
) -> Iterator[Run]:
    """The runs of some programs (all) and changes (all), seed by seed."""
    for seed in seeds:
        for program in PROGRAMS:
            if programs and program.name not in programs:
                continue
            for variant in HEALTHY:
                if _fits(variant.needs, program) and (not changes or variant.name in changes):
                    yield Run(program.name, variant.name, 0, seed, program.held_out)
            for fault in FAULTS:
                if _fits(fault.needs, program) and (not changes or fault.name in changes):
                    for severity in severities:
                        yield Run(
                            program.name, fault.name, severity, seed, program.held_out, fault.beginning(severity)
                        )


def small(wanted: Sequence[Run], share: int = 12) -> list[Run]:
    """One run in ``share``, the same each time and spread over all programs and changes."""
    return [run for run in wanted if zlib.crc32(run.name.encode()) % share == 0]
