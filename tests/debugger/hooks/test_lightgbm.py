"""LightGBM's hook, in real trainings."""

from pathlib import Path

import numpy as np
import pytest

from epochwatch.debugger import modes
from tests.debugger.hooks.peer_training import Trained, train


def boost(directory: Path, way: str) -> Trained:
    return train("boosting", "train_lightgbm.py", directory / "trial", way)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """21 rounds of three classes, of which all collections are saved."""
    return boost(tmp_path_factory.mktemp("everything"), "everything")


def test_metrics_are_saved_each_round_and_the_model_is_the_same_to_the_bit(tmp_path: Path) -> None:
    found = boost(tmp_path, "default")
    trial = found.trial

    assert trial.steps(modes.TRAIN) == list(range(21))
    for data, metrics in found.truth["metrics"].items():
        for metric, values in metrics.items():
            saved = trial.tensor(f"{data}-{metric}").values()
            assert [float(saved[step]) for step in range(21)] == pytest.approx(values)
    assert trial.tensor("trees/Gain").steps() == [0, 10, 20]
    assert trial.tensor_names(collection="losses") == ["train-l2", "validation-l2"]
    assert found.truth["same"]


def test_shap_values_add_up_to_the_predictions(everything: Trained) -> None:
    whole = everything.trial.tensor("full_shap/Column_0").value(20)

    assert whole.shape == (150, 3, 5)
    assert whole.sum(axis=2) == pytest.approx(np.array(everything.truth["margins"]))
    average = everything.trial.tensor("average_shap/Column_3").value(20)
    assert average == pytest.approx(whole[:, :, 3].mean())


def test_predictions_labels_and_hyperparameters_are_those_of_the_training(everything: Trained) -> None:
    trial = everything.trial

    assert trial.tensor("predictions").value(20) == pytest.approx(np.array(everything.truth["predictions"]))
    assert trial.tensor("labels").shape(0) == (50,)
    assert trial.tensor("hyperparameters/objective").value(0) == "multiclass"


def test_importances_have_xgboosts_names_and_are_parts_of_their_sum(everything: Trained) -> None:
    trial = everything.trial

    total = sum(everything.truth["total_gain"].values())
    for feature, gain in everything.truth["total_gain"].items():
        assert trial.tensor(f"feature_importance/total_gain/{feature}").value(20) == pytest.approx(
            gain / total, rel=1e-4
        )
    weights = trial.tensors(regex="^feature_importance/weight/", step=20)
    assert sum(float(tensor.value(20)) for tensor in weights) == pytest.approx(1)


def test_trees_are_numbered_breadth_first_and_are_those_that_lightgbm_shows(everything: Trained) -> None:
    columns = everything.trial.tensors(collection="trees", step=10)
    column = {tensor.name.removeprefix("trees/"): tensor.value(10) for tensor in columns}
    rows = {identity: number for number, identity in enumerate(column["ID"])}

    waiting = [(f"{tree}-0", everything.truth["trees"][tree]["tree_structure"]) for tree in (30, 31, 32)]
    while waiting:
        identity, node = waiting.pop()
        row = rows.pop(identity)
        if "leaf_value" in node:
            assert (column["Feature"][row], column["Missing"][row]) == ("Leaf", "nan")
            assert column["Gain"][row] == pytest.approx(node["leaf_value"])
            assert column["Cover"][row] == pytest.approx(node["leaf_weight"], rel=1e-4)
            continue
        assert column["Feature"][row] == f"Column_{node['split_feature']}"
        assert column["Gain"][row] == pytest.approx(node["split_gain"], rel=1e-4)
        assert column["Missing"][row] == column["Yes" if node["default_left"] else "No"][row]
        if node["decision_type"] == "==":
            assert column["Category"][row] == str(node["threshold"].split("||"))
            assert np.isnan(column["Split"][row])
        else:
            assert column["Split"][row] == pytest.approx(node["threshold"])
        waiting += [(column["Yes"][row], node["left_child"]), (column["No"][row], node["right_child"])]
    assert not rows
    for tree in (30, 31, 32):
        numbers = column["Node"][column["Tree"] == tree].tolist()
        assert numbers == list(range(len(numbers)))
    assert any(category != "nan" for category in column["Category"])


def test_trees_of_a_continued_training_are_its_own(tmp_path: Path) -> None:
    trial = boost(tmp_path, "continued").trial

    assert trial.steps() == [0, 1]
    assert set(trial.tensor("trees/Tree").value(0)) == {3}


def test_an_early_stop_ends_the_trial(tmp_path: Path) -> None:
    found = boost(tmp_path, "stopped")

    assert found.truth["rounds"] < 99
    assert found.trial.tensor("validation-l2").steps() == list(range(found.truth["rounds"] + 2)), "and two in vain"
    assert found.trial.loaded_all_steps


def test_cross_validation_saves_mean_and_deviation_of_the_folds(tmp_path: Path) -> None:
    found = boost(tmp_path, "folds")

    means, deviations = (found.trial.tensor(f"valid-l1{ending}").values() for ending in ("", "-std"))
    assert [float(means[step]) for step in range(5)] == pytest.approx(found.truth["mean"])
    assert [float(deviations[step]) for step in range(5)] == pytest.approx(found.truth["deviation"])


def test_an_estimator_is_fitted_with_the_hook(tmp_path: Path) -> None:
    trial = boost(tmp_path, "estimator").trial

    assert trial.tensor("training-l2").steps() == [0, 1, 2]
    assert trial.tensor("hyperparameters/objective").value(0) == "regression"
