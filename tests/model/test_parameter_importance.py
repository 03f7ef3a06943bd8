"""Which hyperparameters matter: what must hold of any measure, and what the method's authors measure."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochwatch.model.hyperparameter_tuning import Space, space_of
from epochwatch.model.parameter_importance import LEAST_TRAININGS, parameter_importance, rank_correlation

SPACE = space_of(
    {
        "ContinuousParameterRanges": [
            {"Name": "lr", "MinValue": "0.0001", "MaxValue": "1", "ScalingType": "Logarithmic"},
            {"Name": "dropout", "MinValue": "0", "MaxValue": "0.5"},
        ],
        "IntegerParameterRanges": [{"Name": "layers", "MinValue": "1", "MaxValue": "8"}],
        "CategoricalParameterRanges": [{"Name": "optimizer", "Values": ["sgd", "adam", "lion"]}],
    }
)


def drawn(count: int, seed: int, space: Space = SPACE) -> list[dict[str, str]]:
    draw = np.random.default_rng(seed)
    return [
        {
            one.name: str(draw.choice(one.choices)) if hasattr(one, "choices") else one.at(float(draw.random()))
            for one in space
        }
        for _ in range(count)
    ]


LOSSES = {
    "lr": lambda one: math.log10(float(one["lr"]) / 0.01) ** 2,
    "dropout": lambda one: float(one["dropout"]),
    "layers": lambda one: abs(int(one["layers"]) - 4),
    "optimizer": lambda one: ["sgd", "adam", "lion"].index(one["optimizer"]),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("maximize", [False, True])
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_only_one_that_matters_has_it_all(name: str, maximize: bool, seed: int) -> None:
    values = drawn(100, seed)
    losses = [LOSSES[name](one) * (-1 if maximize else 1) for one in values]
    found = parameter_importance(SPACE, values, losses, maximize=maximize)
    assert found[name] > 0.75
    assert sum(found.values()) == pytest.approx(1)
    assert all(share >= 0 for share in found.values())


def test_irrelevant_ones_have_almost_nothing_on_average() -> None:
    found = []
    for seed in range(40):
        values = drawn(100, seed)
        found.append(parameter_importance(SPACE, values, [LOSSES["lr"](one) for one in values], maximize=False))
    for name in ("dropout", "layers", "optimizer"):
        assert np.mean([one[name] for one in found]) < 0.01


def test_noise_is_no_importance() -> None:
    draw = np.random.default_rng(1)
    nothing = 0
    for seed in range(40):
        found = parameter_importance(SPACE, drawn(60, seed), list(draw.normal(size=60)), maximize=False)
        nothing += not any(found.values())
    assert nothing > 20  # of four parameters one seems to matter in a fifth of such tunings


def test_two_that_matter_are_in_their_order() -> None:
    values = drawn(400, 3)
    losses = [LOSSES["lr"](one) + 0.5 * LOSSES["layers"](one) for one in values]
    found = parameter_importance(SPACE, values, losses, maximize=False)
    assert found["lr"] > 0.1
    assert found["layers"] > 0.1
    assert found["dropout"] + found["optimizer"] < 0.05


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), shift=st.floats(-1e3, 1e3), scale=st.floats(0.01, 1e3))
def test_only_the_order_of_objectives_counts(seed: int, shift: float, scale: float) -> None:
    values = drawn(30, seed)
    losses = [round(LOSSES["dropout"](one), 2) for one in values]
    moved = [loss * scale + shift for loss in losses]
    if len(set(moved)) == len(set(losses)):
        plain = parameter_importance(SPACE, values, losses, maximize=False)
        assert parameter_importance(SPACE, values, moved, maximize=False) == plain


def test_optuna_agrees_on_what_matters_most() -> None:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=5))

    def objective(trial: optuna.Trial) -> float:
        lr = trial.suggest_float("lr", 1e-4, 1, log=True)
        layers = trial.suggest_int("layers", 1, 8)
        trial.suggest_float("dropout", 0, 0.5)
        return math.log10(lr / 0.01) ** 2 + 0.2 * abs(layers - 4)

    study.optimize(objective, n_trials=200)
    theirs = optuna.importance.get_param_importances(
        study, evaluator=optuna.importance.PedAnovaImportanceEvaluator()
    )
    values = [{name: str(value) for name, value in trial.params.items()} for trial in study.trials]
    losses = [float(trial.value or 0.0) for trial in study.trials]
    space = [one for one in SPACE if one.name != "optimizer"]
    ours = parameter_importance(space, values, losses, maximize=False)
    assert sorted(ours, key=lambda name: -ours[name])[:2] == list(theirs)[:2]
    share = theirs["lr"] / sum(theirs.values())
    assert ours["lr"] == pytest.approx(share, abs=0.15)


def test_too_little_is_told_apart_from_nothing() -> None:
    values = drawn(LEAST_TRAININGS, 0)
    assert parameter_importance(SPACE, values[:-1], [0.0, *range(1, LEAST_TRAININGS - 1)], maximize=False) == {}
    assert parameter_importance(SPACE, values, [1.0] * LEAST_TRAININGS, maximize=False) == {}
    assert set(parameter_importance(SPACE, values, list(range(LEAST_TRAININGS)), maximize=False)) == {
        one.name for one in SPACE
    }


def test_a_parameter_that_never_changes_matters_not() -> None:
    space = space_of({"IntegerParameterRanges": [{"Name": "layers", "MinValue": "4", "MaxValue": "4"}]})
    found = parameter_importance(space, [{"layers": "4"}] * 20, list(range(20)), maximize=False)
    assert found == {"layers": 0.0}


def test_rank_correlation() -> None:
    values = [{"lr": str(lr), "optimizer": "sgd"} for lr in (0.001, 0.01, 0.01, 0.1)]
    found = rank_correlation(SPACE, values, [1.0, 2.0, 2.0, 30.0])
    assert found["lr"] == pytest.approx(1)
    assert found["optimizer"] is None
    assert found["layers"] is None  # no training has it
    assert rank_correlation(SPACE, values, [1.0] * 4)["lr"] is None
    assert rank_correlation(SPACE, values, [4.0, 3.0, 3.0, 1.0])["lr"] == pytest.approx(-1)
