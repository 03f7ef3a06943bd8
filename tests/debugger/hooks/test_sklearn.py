"""The hook for scikit-learn, in loops over ``partial_fit``."""

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import MiniBatchKMeans
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier

from epochwatch.debugger import create_trial
from epochwatch.debugger.exceptions import SMDebugTypeError
from epochwatch.debugger.hooks import watch
from epochwatch.debugger.hooks.config import CollectionConfig, HookConfig

OF = np.random.default_rng(0)
FEATURES = OF.normal(size=(64, 6))
LABELS = (FEATURES[:, 0] > 0).astype(int)


def learn(estimator: Any, steps: int) -> list[dict[str, Any]]:
    """Call ``partial_fit``; the state of the estimator after each call."""
    states = []
    for _ in range(steps):
        estimator.partial_fit(FEATURES, LABELS, classes=[0, 1])
        states.append(copy.deepcopy(vars(estimator)))
    return states


def test_weights_and_what_changed_of_them_are_saved_each_tenth_step(tmp_path: Path) -> None:
    model = SGDClassifier(random_state=0)
    hook = watch(model, out_dir=str(tmp_path))
    states = learn(model, 21)
    hook.close()
    trial = create_trial(str(tmp_path))

    weights = trial.tensor("SGDClassifier_coef_")
    assert weights.steps() == [0, 10, 20]
    for step in (0, 10, 20):
        coefficients = states[step]["coef_"]
        assert weights.reduction_value(step, "l2") == pytest.approx(np.linalg.norm(coefficients))
        assert weights.reduction_value(step, "mean") == pytest.approx(coefficients.mean())
    changed = np.linalg.norm(states[20]["coef_"] - states[19]["coef_"])
    assert weights.reduction_values(20)["update_l2", False] == pytest.approx(changed)
    assert np.isnan(weights.reduction_values(0)["update_l2", False]), "there was nothing before the first call"
    assert trial.tensor_names(collection="weights") == ["SGDClassifier_coef_"]
    assert trial.tensor_names(collection="biases") == ["SGDClassifier_intercept_"]


def test_each_layer_of_a_network_has_its_name_and_its_loss_is_saved_each_step(tmp_path: Path) -> None:
    model = MLPClassifier((5, 3), random_state=0)
    hook = watch(model, out_dir=str(tmp_path))
    states = learn(model, 3)
    hook.close()
    trial = create_trial(str(tmp_path))

    assert trial.tensor_names(collection="weights") == [f"MLPClassifier_coefs_.{layer}" for layer in range(3)]
    assert trial.tensor_names(collection="biases") == [f"MLPClassifier_intercepts_.{layer}" for layer in range(3)]
    losses = trial.tensor("loss").values()
    assert [float(losses[step]) for step in range(3)] == pytest.approx([state["loss_"] for state in states])
    assert trial.tensor_names(collection="losses") == ["loss"]


def test_a_loss_of_ones_own_is_asked_of_each_batch(tmp_path: Path) -> None:
    model = SGDClassifier(loss="log_loss", random_state=0)
    hook = watch(
        model,
        out_dir=str(tmp_path),
        loss=lambda estimator, features, labels: log_loss(labels, estimator.predict_proba(features)),
    )
    learn(model, 5)
    hook.close()

    last = log_loss(LABELS, model.predict_proba(FEATURES))
    assert create_trial(str(tmp_path)).tensor("loss").value(4) == pytest.approx(last)


def test_learning_without_labels_is_watched_too(tmp_path: Path) -> None:
    model = MiniBatchKMeans(3, random_state=0, n_init=1)
    hook = watch(model, out_dir=str(tmp_path))
    model.partial_fit(FEATURES)
    hook.close()
    trial = create_trial(str(tmp_path))

    assert trial.tensor("MiniBatchKMeans_cluster_centers_").reduction_value(0, "max") == pytest.approx(
        model.cluster_centers_.max()
    )
    assert trial.has_tensor("loss")


def test_the_estimator_learns_the_same_and_its_copies_are_not_watched(tmp_path: Path) -> None:
    plain, watched = MLPClassifier(random_state=0), MLPClassifier(random_state=0)
    hook = watch(watched, out_dir=str(tmp_path))
    learn(plain, 3)
    learn(watched, 3)
    for copied in (
        copy.deepcopy(watched),
        pickle.loads(pickle.dumps(watched)),
        clone(watched).partial_fit(FEATURES, LABELS, classes=[0, 1]),
    ):
        copied.partial_fit(FEATURES, LABELS)
        assert b"epochwatch" not in pickle.dumps(copied)
    assert b"epochwatch" not in pickle.dumps(watched), "it can be loaded where epochwatch is not"
    hook.close()
    watched.partial_fit(FEATURES, LABELS)
    plain.partial_fit(FEATURES, LABELS)

    for mine, other in zip(plain.coefs_, watched.coefs_, strict=True):
        assert np.array_equal(mine, other)
    assert create_trial(str(tmp_path)).steps() == [0, 1, 2]


def test_raw_arrays_and_reductions_are_saved_where_they_are_configured(tmp_path: Path) -> None:
    weights = CollectionConfig("weights", reductions=("median", "abs_max"), save_raw_tensor=True, save_shape=True)
    model = SGDClassifier(random_state=0)
    hook = watch(model, config=HookConfig(str(tmp_path), (weights,)))
    states = learn(model, 1)
    hook.close()
    tensor = create_trial(str(tmp_path)).tensor("SGDClassifier_coef_")

    assert np.array_equal(tensor.value(0), states[0]["coef_"])
    assert tensor.reduction_value(0, "median") == np.median(states[0]["coef_"])
    assert tensor.reduction_value(0, "max", abs=True) == np.abs(states[0]["coef_"]).max()


def test_what_learns_all_at_once_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SMDebugTypeError, match="RandomForestClassifier does not learn by partial_fit"):
        watch(RandomForestClassifier(), out_dir=str(tmp_path))
    with pytest.raises(SMDebugTypeError, match="no hook for dict"):
        watch({}, out_dir=str(tmp_path))
