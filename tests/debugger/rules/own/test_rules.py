"""Each rule finds its fault soon after it began, and all are silent on trainings that are well."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from epochwatch.debugger import ModeKeys
from epochwatch.debugger.rules.diagnosis import Diagnoser
from epochwatch.debugger.rules.finding import Finding
from epochwatch.debugger.rules.own import DEFAULT_RULES
from epochwatch.debugger.rules.stream import StepStatistics
from tests.debugger.rules.own.streams import LAYERS, Change, Row, evaluated, normal, training

Scalars = dict[str, float]
Rows = dict[str, Row]


def findings(stream: Iterator[StepStatistics]) -> dict[str, Finding]:
    """The first finding of each rule."""
    diagnoser = Diagnoser()
    found: list[Finding] = []
    for step in stream:
        found += diagnoser.see(step)
    return {one.rule: one for one in reversed([*found, *diagnoser.end()])}


def problems(stream: Iterator[StepStatistics]) -> dict[str, Finding]:
    return {rule: one for rule, one in findings(stream).items() if one.kind == "problem"}


# Trainings that are well


def warm_up(step: int, scalars: Scalars, rows: Rows) -> None:
    share = min(1.0, (step + 1) / 100)
    scalars["learning_rate"] *= share
    scalars["loss"] = scalars["CrossEntropyLoss_output_0"] = 2.3 - 0.02 * share + 0.02 * np.sin(step)
    if step >= 100:
        scalars["loss"] = scalars["CrossEntropyLoss_output_0"] = 0.3 + 2 * np.exp(-(step - 100) / 60)


def step_drop(step: int, scalars: Scalars, rows: Rows) -> None:
    if step >= 150:
        scalars["learning_rate"] *= 0.1
        for layer in LAYERS:
            rows[f"{layer}.weight"]["update_l2"] *= 0.1


def restarts(step: int, scalars: Scalars, rows: Rows) -> None:
    scalars["loss"] += 0.15 * (1 - step % 100 / 100) if step >= 100 else 0.0


def small_batches(step: int, scalars: Scalars, rows: Rows) -> None:
    scalars["loss"] *= 1 + 0.6 * np.sin(step * 12.9898) * np.sin(step * 78.233)


def bias_before_batch_norm(step: int, scalars: Scalars, rows: Rows) -> None:
    for layer in LAYERS[:3]:
        rows[f"gradient/{layer}.bias"] = normal(10, 1e-10)


def converged(step: int, scalars: Scalars, rows: Rows) -> None:
    small = np.exp(-step / 10)
    for name, value in scalars.items():
        scalars[name] = value if name == "learning_rate" else value * small
    for name, row in rows.items():
        if name.startswith("gradient/"):
            rows[name] = normal(int(row["size"]), row["std"] * small)


def skipped_by_the_scaler(step: int, scalars: Scalars, rows: Rows) -> None:
    if step in (0, 1, 100, 200):
        scalars["gradient_norm"] = np.inf
        for layer in LAYERS:
            rows[f"gradient/{layer}.weight"]["infs"] = 10


def zero_head(step: int, scalars: Scalars, rows: Rows) -> None:
    if step == 0:
        rows[f"{LAYERS[-1]}.weight"] |= {"std": 0.0, "l2": 0.0, "abs_max": 0.0, "zeros": 1000}
        for layer in LAYERS[:-1]:
            rows[f"gradient/{layer}.weight"] |= {"std": 0.0, "l2": 0.0, "abs_max": 0.0, "zeros": 1000}


def even_experts(step: int, scalars: Scalars, rows: Rows) -> None:
    for number in range(4):
        rows[f"layers.0.experts.{number}_output_0"] = normal(600 + (17 * (step + number)) % 100, 1.0)
    rows["layers.0.router_output_0"] = normal(80, 1.0)
    for name in ("layers.0.attn.q_proj_output_0", "layers.0.attn.k_proj_output_0"):
        rows[name] = normal(640, 1 + 0.001 * step)


def one_spike(step: int, scalars: Scalars, rows: Rows) -> None:
    if step == 200:
        scalars["loss"] *= 5


HEALTHY: list[Change] = [
    warm_up, step_drop, restarts, small_batches, bias_before_batch_norm, converged, skipped_by_the_scaler, zero_head,
    one_spike, even_experts, lambda step, scalars, rows: None,
]  # fmt: skip


@pytest.mark.parametrize("change", HEALTHY, ids=lambda change: change.__name__)
@pytest.mark.parametrize("every", [1, 10])
def test_a_healthy_training_has_no_problem(change: Change, every: int) -> None:
    for seed in (0, 1):
        assert problems(training(change, every=every, seed=seed)) == {}


def test_a_training_over_all_data_at_once_is_a_remark_only() -> None:
    def change(step: int, scalars: Scalars, rows: Rows) -> None:
        rows["Net_input_0"] = normal(640, 1.0)

    assert findings(training(change))["RepeatedBatches"].kind == "information"


@pytest.mark.parametrize(("growth", "word"), [(0.0, "since it began"), (0.005, "more and more")])
def test_steps_that_take_longer_are_a_remark(growth: float, word: str) -> None:
    def change(step: int, scalars: Scalars, rows: Rows) -> None:
        if step >= 100:
            scalars["step_seconds"] += growth * (step - 100) if growth else 0.4

    found = findings(training(change))["SlowSteps"]
    assert found.kind == "information"
    assert word in found.evidence
    assert found.began >= 100


def test_a_loss_that_rests_is_a_remark() -> None:
    assert findings(training(steps=600))["Plateau"].kind == "information"


# Faults: what changes from which step on, which rule says so, and how many steps later at most


def spike(step: int, scalars: Scalars, rows: Rows) -> None:
    scalars["loss"] += 3.0
    scalars["gradient_norm"] *= 20


def diverging(step: int, scalars: Scalars, rows: Rows) -> None:
    scalars["loss"] += 0.1 * (step - 100)


def no_progress(step: int, scalars: Scalars, rows: Rows) -> None:
    scalars["loss"] = scalars["CrossEntropyLoss_output_0"] = 2.31 + 0.02 * np.sin(step)


def large_at_first(step: int, scalars: Scalars, rows: Rows) -> None:
    scalars["loss"] = scalars["CrossEntropyLoss_output_0"] = 50.0 * np.exp(-step / 5)


def turned(step: int, scalars: Scalars, rows: Rows) -> None:
    scalars["loss"] = -scalars["CrossEntropyLoss_output_0"]


def loss_is_nan(step: int, scalars: Scalars, rows: Rows) -> None:
    scalars["loss"] = scalars["gradient_norm"] = np.nan
    rows["Net_input_0"]["nans"] = 3


def overflowing(step: int, scalars: Scalars, rows: Rows) -> None:
    if step % 3 == 0:
        scalars["gradient_norm"] = np.inf


def vanishing(step: int, scalars: Scalars, rows: Rows) -> None:
    no_progress(step, scalars, rows)
    for depth, layer in enumerate(LAYERS):
        rows[f"gradient/{layer}.weight"] = normal(1000, 1e-2 * 30.0 ** (depth - 5))


def exploding(step: int, scalars: Scalars, rows: Rows) -> None:
    for depth, layer in enumerate(LAYERS):
        rows[f"gradient/{layer}.weight"] = normal(1000, 30.0 ** (5 - depth))


def growing(step: int, scalars: Scalars, rows: Rows) -> None:
    scalars["gradient_norm"] *= 100
    scalars["loss"] += 0.3


def not_reset(step: int, scalars: Scalars, rows: Rows) -> None:
    scalars["gradient_norm"] = 0.5 * (step + 1) + 0.05 * np.sin(step)


def cut_off(step: int, scalars: Scalars, rows: Rows) -> None:
    for layer in LAYERS[:3]:
        rows[f"gradient/{layer}.weight"] |= {"l2": 0.0, "abs_max": 0.0, "std": 0.0, "zeros": 1000}


def alike(step: int, scalars: Scalars, rows: Rows) -> None:
    rows[f"gradient/{LAYERS[1]}.bias"] |= {"std": 1e-12}


def large_steps(step: int, scalars: Scalars, rows: Rows) -> None:
    for layer in LAYERS:
        rows[f"{layer}.weight"]["update_l2"] = 0.3 * rows[f"{layer}.weight"]["l2"]


def small_steps(step: int, scalars: Scalars, rows: Rows) -> None:
    no_progress(step, scalars, rows)
    for layer in LAYERS:
        rows[f"{layer}.weight"]["update_l2"] *= 1e-4


def frozen(step: int, scalars: Scalars, rows: Rows) -> None:
    for layer in LAYERS[:2]:
        rows[f"{layer}.weight"]["update_l2"] = 0.0


def constant(step: int, scalars: Scalars, rows: Rows) -> None:
    for layer in LAYERS[:3]:
        rows[f"{layer}.weight"] |= {"std": 0.0, "l2": 0.0, "zeros": 1000}


def decaying(step: int, scalars: Scalars, rows: Rows) -> None:
    no_progress(step, scalars, rows)
    for layer in LAYERS:
        rows[f"{layer}.weight"]["l2"] *= 0.9**step


def dead(step: int, scalars: Scalars, rows: Rows) -> None:
    no_progress(step, scalars, rows)
    rows[f"gradient/{LAYERS[1]}.bias"]["zeros"] = 8


def saturated(step: int, scalars: Scalars, rows: Rows) -> None:
    rows["layers.1.tanh_output_0"] = normal(640, 1.0, min=-1, max=1, l2=0.99 * 640**0.5)


def growing_logits(step: int, scalars: Scalars, rows: Rows) -> None:
    rows["CrossEntropyLoss_input_0"]["abs_max"] = 5 * 1.05**step


def probabilities(step: int, scalars: Scalars, rows: Rows) -> None:
    rows["CrossEntropyLoss_input_0"] |= {"min": 0.001, "max": 0.9, "mean": 0.1}


def same_batch(step: int, scalars: Scalars, rows: Rows) -> None:
    rows["Net_input_0"] = normal(640, 1.0)


def sorted_labels(step: int, scalars: Scalars, rows: Rows) -> None:
    rows["CrossEntropyLoss_input_1"] |= {"mean": step // 30 % 10, "std": 0.1}


def two_classes(step: int, scalars: Scalars, rows: Rows) -> None:
    rows["CrossEntropyLoss_input_1"] |= {"min": 0, "max": 1, "zeros": 31, "mean": 1 / 32}


def pixels(step: int, scalars: Scalars, rows: Rows) -> None:
    rows["Net_input_0"] |= {"mean": 110.0, "std": 70.0}


def other_inputs(step: int, scalars: Scalars, rows: Rows) -> None:
    rows["Net_input_0"]["std"] *= 10


def rectified(step: int, scalars: Scalars, rows: Rows) -> None:
    rows["CrossEntropyLoss_input_0"] |= {"min": 0.0, "zeros": 160}


def drifting(step: int, scalars: Scalars, rows: Rows) -> None:
    rows["CrossEntropyLoss_input_0"] |= {"mean": -0.5 * step, "std": 2.0}


def large_weights(step: int, scalars: Scalars, rows: Rows) -> None:
    for layer in LAYERS:
        rows[f"{layer}.weight"] |= {"l2": 1.0 * 1000**0.5, "std": 1.0}


def runaway(step: int, scalars: Scalars, rows: Rows) -> None:
    scalars["loss"] = scalars["CrossEntropyLoss_output_0"] = 1.0 + 0.005 * step
    for layer in LAYERS:
        rows[f"{layer}.weight"]["l2"] *= 1 + 0.02 * step


def no_gradients(step: int, scalars: Scalars, rows: Rows) -> None:
    del scalars["gradient_norm"]


def other_data(step: int, scalars: Scalars, rows: Rows) -> None:
    scalars["loss"] = scalars["CrossEntropyLoss_output_0"] = 2.4 + 0.05 * np.sin(step)


def growing_attention(step: int, scalars: Scalars, rows: Rows) -> None:
    for name in ("layers.0.attn.q_proj_output_0", "layers.0.attn.k_proj_output_0"):
        rows[name] = normal(640, 1.03**step)


def growing_scores(step: int, scalars: Scalars, rows: Rows) -> None:
    rows["attention_scores"] = normal(640, 1.05**step)


def sure_router(step: int, scalars: Scalars, rows: Rows) -> None:
    rows["layers.0.experts.0_output_0"] = normal(640, 1.0)
    rows["layers.0.router_output_0"] = normal(80, 0.3, min=0, max=1, mean=0.25, l2=(80 * 0.25 * 0.995) ** 0.5)


def starved_expert(step: int, scalars: Scalars, rows: Rows) -> None:
    for number, size in enumerate((640, 600, 700, 10)):
        rows[f"layers.0.experts.{number}_output_0"] = normal(size, 1.0)


def noisy_other_data(step: int, scalars: Scalars, rows: Rows) -> None:
    noise = 1 + 0.7 * np.sin(step * 12.9898) * np.sin(step * 78.233)
    scalars["loss"] = scalars["CrossEntropyLoss_output_0"] = noise * (2.2 if step >= 150 else 0.6)


def overflowed(step: int, scalars: Scalars, rows: Rows) -> None:
    scalars["loss"] *= 1e30


FAULTS: list[tuple[Change, int, str, int]] = [
    (spike, 150, "LossSpike", 3),
    (diverging, 100, "Divergence", 40),
    (no_progress, 0, "NeverLearned", 160),
    (large_at_first, 0, "PoorInitialLoss", 2),
    (turned, 0, "WrongSign", 4),
    (loss_is_nan, 50, "NonFinite", 1),
    (overflowing, 60, "SkippedSteps", 60),
    (vanishing, 0, "VanishingGradients", 6),
    (exploding, 0, "ExplodingGradients", 4),
    (growing, 100, "ExplodingGradients", 10),
    (not_reset, 0, "GradientsNotReset", 25),
    (cut_off, 100, "ZeroGradients", 3),
    (alike, 0, "IdenticalUnits", 3),
    (large_steps, 0, "UpdateTooLarge", 5),
    (small_steps, 0, "UpdateTooSmall", 10),
    (frozen, 50, "FrozenParameters", 33),
    (constant, 0, "ConstantWeights", 1),
    (decaying, 0, "WeightsCollapse", 25),
    (dead, 20, "DeadUnits", 6),
    (saturated, 0, "Saturated", 3),
    (growing_logits, 0, "LogitGrowth", 80),
    (probabilities, 0, "DoubleSoftmax", 3),
    (same_batch, 50, "RepeatedBatches", 5),
    (sorted_labels, 0, "NotShuffled", 60),
    (two_classes, 0, "ClassImbalance", 20),
    (pixels, 0, "InputScale", 3),
    (other_inputs, 100, "InputScale", 3),
    (rectified, 0, "RectifiedOutput", 3),
    (drifting, 0, "LogitDrift", 60),
    (large_weights, 0, "InitialScale", 1),
    (runaway, 0, "WeightGrowth", 80),
    (no_gradients, 60, "MissingGradients", 3),
    (other_data, 150, "LossShift", 5),
    (noisy_other_data, 150, "LossShift", 12),
    (overflowed, 100, "NonFinite", 1),
    (growing_attention, 0, "AttentionLogitGrowth", 80),
    (growing_scores, 0, "AttentionLogitGrowth", 80),
    (sure_router, 20, "RouterCollapse", 3),
    (starved_expert, 20, "ExpertImbalance", 10),
]


@pytest.mark.parametrize(
    ("change", "begins", "rule", "latency"), FAULTS, ids=lambda value: getattr(value, "__name__", str(value))
)
def test_a_fault_is_found_by_its_rule_soon_after_it_began(
    change: Change, begins: int, rule: str, latency: int
) -> None:
    def later(step: int, scalars: Scalars, rows: Rows) -> None:
        if step >= begins:
            change(step, scalars, rows)

    found = problems(training(later, steps=begins + latency + 1))[rule]
    assert begins <= found.step
    assert found.began <= found.step
    assert found.evidence
    assert found.cause
    assert found.remedy


def test_the_tensor_that_had_nan_first_is_named_first() -> None:
    def change(step: int, scalars: Scalars, rows: Rows) -> None:
        if step == 30:
            scalars["loss"] = np.nan
            rows[f"gradient/{LAYERS[2]}.weight"]["nans"] = 4
            rows["Net_input_0"]["nans"] = 2

    found = problems(training(change))["NonFinite"]
    assert found.tensors == ("Net_input_0", "loss", f"gradient/{LAYERS[2]}.weight")
    assert "first Net_input_0, an input, is not finite: 2 NaN and 0 infinite of 640 elements" in found.evidence
    assert found.cause == "The data have NaN or infinity."


def test_inputs_that_are_far_off_now_and_then_are_found() -> None:
    def change(step: int, scalars: Scalars, rows: Rows) -> None:
        if step >= 50 and step % 5 == 0:
            rows["Net_input_0"]["std"] *= 100

    assert problems(training(change))["InputScale"].step == 60


def test_units_that_begin_alike_are_seen_in_weights_that_are_saved_whole() -> None:
    alike, drawn = np.tile(np.linspace(-1, 1, 16), (10, 1)), np.random.default_rng(0).normal(size=(10, 16))
    for weights, expected in ((alike + 0.05 * drawn, True), (drawn, False)):
        first = next(training(steps=1))._replace(raw={f"{LAYERS[1]}.weight": weights})
        assert ("IdenticalUnits" in problems(iter([first]))) is expected


def whole_labels(labels: Callable[[int], np.ndarray], inputs: tuple[int, ...] = ()) -> Iterator[StepStatistics]:
    """A training whose labels are saved whole."""
    for step in training():
        shapes = {"Net_input_0": inputs} if inputs else {}
        yield step._replace(raw={"CrossEntropyLoss_input_1": labels(step.step)}, shapes=shapes)


def test_labels_that_are_saved_whole_tell_of_few_batches() -> None:
    drawn = np.random.default_rng(0).integers(0, 10, (300, 32))
    assert problems(whole_labels(lambda step: drawn[step % 3]))["RepeatedBatches"].step == 29
    assert "RepeatedBatches" not in problems(whole_labels(lambda step: drawn[step]))
    assert "RepeatedBatches" not in problems(whole_labels(lambda step: np.full(32, step // 40)))


def test_classes_of_words_may_be_uneven_and_those_of_rows_not() -> None:
    noise = np.random.default_rng(0)

    def uneven(step: int) -> np.ndarray:
        return np.where(noise.random(32) < 0.96, 0, noise.integers(0, 10, 32))

    assert "ClassImbalance" in problems(whole_labels(uneven, (32, 20)))
    assert "ClassImbalance" not in problems(whole_labels(uneven, (2, 16)))


def test_a_step_that_fills_weights_which_began_at_zero_is_not_large() -> None:
    def change(step: int, scalars: Scalars, rows: Rows) -> None:
        if step == 0:
            for layer in LAYERS:
                rows[f"{layer}.weight"]["update_l2"] = rows[f"{layer}.weight"]["l2"]

    assert "UpdateTooLarge" not in problems(training(change))


def test_a_long_warm_up_is_no_learning_rate_that_is_too_low() -> None:
    def change(step: int, scalars: Scalars, rows: Rows) -> None:
        no_progress(step, scalars, rows)
        scalars["learning_rate"] *= (step + 1) / 10_000
        for layer in LAYERS:
            rows[f"{layer}.weight"]["update_l2"] *= (step + 1) / 10_000

    assert "UpdateTooSmall" not in problems(training(change))


# Held-out losses


def small_and_noisy(step: int) -> tuple[float, float]:
    return 0.01 + 2 * np.exp(-step / 20), 0.9 + np.exp(-step / 30) + 1e-3 * np.sin(step)


def of_another_model(step: int) -> tuple[float, float]:
    return 0.5 + 2 * np.exp(-step / 50), 2.31


def overfitting(step: int) -> tuple[float, float]:
    return 2 * np.exp(-step / 50), 1.0 + abs(step - 100) / 100


def by_heart(step: int) -> tuple[float, float]:
    return 2.3 * np.exp(-step / 50), 2.31 + 1e-3 * np.sin(step)


def noisy_but_well(step: int) -> tuple[float, float]:
    return 0.5 + 2 * np.exp(-step / 50), 0.6 + 2 * np.exp(-step / 50) + 0.03 * np.sin(step)


@pytest.mark.parametrize(
    ("losses", "rule"),
    [
        (overfitting, "Overfit"),
        (small_and_noisy, "Overfit"),
        (by_heart, "NoGeneralisation"),
        (of_another_model, "UnchangedEvaluation"),
        (noisy_but_well, None),
    ],
)
def test_held_out_losses_are_compared_with_those_of_the_training(losses, rule) -> None:  # type: ignore[no-untyped-def]
    found = problems(evaluated(losses))
    assert (rule in found) if rule else not found


def test_the_best_evaluation_is_named_as_the_beginning_of_overfitting() -> None:
    assert problems(evaluated(overfitting))["Overfit"].began == 109  # the evaluation after 100 steps, of all steps


def test_evaluations_that_go_on_without_steps_are_told() -> None:
    def stream() -> Iterator[StepStatistics]:
        yield from (steps := list(evaluated(noisy_but_well, steps=100)))
        for later in range(1, 10):
            yield steps[-1]._replace(step=len(steps) - 1 + later, mode_step=9 + later)

    found = problems(stream())["UnchangedEvaluation"]
    assert (found.began, found.step) == (109, 111)


@pytest.mark.parametrize(("every", "expected"), [(2.0, True), (0.01, False)])
def test_evaluations_that_differ_by_chance_are_told_by_their_distance(every: float, expected: bool) -> None:
    def stream() -> Iterator[StepStatistics]:
        steps = [step._replace(time=1e9 + 0.2 * step.step) for step in evaluated(noisy_but_well, steps=100)]
        yield from steps
        for later in range(1, 10):
            scalars = {"CrossEntropyLoss_output_0": 0.7 + 0.01 * later}
            last = steps[-1]
            yield last._replace(step=last.step + later, time=last.time + every * later, scalars=scalars)

    assert ("UnchangedEvaluation" in problems(stream())) is expected


def test_long_evaluations_of_slow_batches_are_no_training_that_stands_still() -> None:
    def stream() -> Iterator[StepStatistics]:
        number, moment = 0, 1e9
        for _ in range(8):
            for mode, count, seconds in ((ModeKeys.TRAIN, 5, 0.1), (ModeKeys.EVAL, 10, 1.0)):
                for place in range(count):
                    number, moment = number + 1, moment + seconds
                    scalars = {"loss": 1.0 + 0.01 * place + 1e-4 * number}
                    yield StepStatistics(number, mode, number, moment, "worker_0", (), {}, scalars)

    assert "UnchangedEvaluation" not in problems(stream())


# Workers and time


def test_workers_whose_weights_part_are_told() -> None:
    def change(step: int, scalars: Scalars, rows: Rows) -> None:
        if step >= 20:
            rows[f"{LAYERS[0]}.weight"]["l2"] *= 1.01

    pairs = zip(training(steps=30), training(change, steps=30, worker="worker_1"), strict=True)
    found = problems(step for pair in pairs for step in pair)
    assert found["ReplicasDiffer"].step == 20
    assert found["ReplicasDiffer"].tensors == (f"{LAYERS[0]}.weight",)


def test_a_training_from_which_nothing_comes_is_stalled() -> None:
    diagnoser = Diagnoser()
    for step in training(steps=50):
        diagnoser.see(step)
    last = 1e9 + 4.9
    assert diagnoser.idle(last + 30) == []
    (found,) = diagnoser.idle(last + 100)
    assert (found.rule, found.step, found.kind) == ("Stalled", 49, "problem")
    assert diagnoser.idle(last + 200) == []


def test_each_rule_says_what_its_findings_may_lead_to_by_names_that_there_are() -> None:
    names = {rule.name for rule in DEFAULT_RULES}
    for rule in DEFAULT_RULES:
        assert rule.leads_to <= names - {rule.name}
