"""XGBoost's hook, in real trainings."""

import json
from pathlib import Path

import numpy as np
import pytest

from epochwatch.debugger import modes
from tests.debugger.hooks.peer_training import Trained, train


def boost(directory: Path, way: str, **environment: str) -> Trained:
    return train("boosting", "train_xgboost.py", directory / "trial", way, environment=environment)


@pytest.fixture(scope="module")
def default(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """21 rounds with a hook that was given a directory only."""
    return boost(tmp_path_factory.mktemp("default"), "default")


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """21 rounds of which all collections are saved."""
    return boost(tmp_path_factory.mktemp("everything"), "everything")


def test_metrics_are_saved_each_round_and_the_rest_each_tenth(default: Trained) -> None:
    trial = default.trial

    assert trial.steps(modes.TRAIN) == list(range(21))
    for data, metrics in default.truth["metrics"].items():
        for metric, values in metrics.items():
            saved = trial.tensor(f"{data}-{metric}").values()
            assert [float(saved[step]) for step in range(21)] == pytest.approx(values)
    assert trial.tensor("trees/Gain").steps() == [0, 10, 20]
    assert trial.tensor("feature_importance/weight/f0").steps() == [0, 10, 20]
    names = ["train-mae", "train-rmse", "validation-mae", "validation-rmse"]
    assert trial.tensor_names(collection="metrics") == trial.tensor_names(collection="losses") == names
    assert trial.loaded_all_steps


def test_the_model_is_the_same_to_the_bit_with_and_without_the_hook(default: Trained) -> None:
    assert default.truth["with"] == default.truth["without"]


def test_shap_values_add_up_to_the_predictions(everything: Trained) -> None:
    trial = everything.trial
    whole = trial.tensor("full_shap/f0").value(20)

    assert whole.shape == (150, 5)
    assert whole.sum(axis=1) == pytest.approx(everything.truth["margins"], rel=1e-4, abs=1e-5)
    assert trial.tensor("average_shap/f1").value(20) == pytest.approx(whole[:, 1].mean(), rel=1e-6)
    assert trial.tensor("average_shap/bias").value(20) == pytest.approx(whole[:, 4].mean(), rel=1e-6)
    assert trial.tensor_names(collection="average_shap") == [f"average_shap/f{number}" for number in range(4)]


def test_predictions_labels_and_hyperparameters_are_those_of_the_training(everything: Trained) -> None:
    trial = everything.trial

    assert trial.tensor("predictions").value(20) == pytest.approx(everything.truth["predictions"])
    assert trial.tensor("labels").shape(0) == (50,)
    assert trial.tensor("hyperparameters/objective").value(0) == "reg:squarederror"
    assert trial.tensor("hyperparameters/eta").value(0) == 0.3


def test_importances_are_parts_of_their_sum(everything: Trained) -> None:
    trial = everything.trial

    total = sum(everything.truth["total_gain"].values())
    for feature, gain in everything.truth["total_gain"].items():
        assert trial.tensor(f"feature_importance/total_gain/{feature}").value(20) == pytest.approx(gain / total)
    for kind in ("weight", "gain", "cover", "total_gain", "total_cover"):
        parts = [
            trial.tensor(name).value(20)
            for name in trial.tensor_names(regex=f"^feature_importance/{kind}/", step=20)
        ]
        assert sum(parts) == pytest.approx(1)


def test_trees_of_all_classes_are_those_that_xgboost_shows(tmp_path: Path) -> None:
    found = boost(tmp_path, "trees")
    trial = found.trial
    columns = trial.tensors(collection="trees", step=10)
    column = {tensor.name.removeprefix("trees/"): tensor.value(10) for tensor in columns}

    assert sorted(set(column["Tree"].tolist())) == [30, 31, 32], "the three trees of round 10"
    rows = {identity: number for number, identity in enumerate(column["ID"])}
    waiting = [(30 + number, tree) for number, tree in enumerate(found.truth["trees"][30:33])]
    while waiting:
        tree, node = waiting.pop()
        row = rows.pop(f"{tree}-{node['nodeid']}")
        assert column["Node"][row] == node["nodeid"]
        assert column["Cover"][row] == pytest.approx(node["cover"])
        if "leaf" in node:
            assert (column["Feature"][row], column["Yes"][row]) == ("Leaf", "nan")
            assert np.isnan(column["Split"][row])
            assert column["Gain"][row] == pytest.approx(node["leaf"])
        else:
            assert column["Feature"][row] == node["split"]
            assert column["Split"][row] == pytest.approx(node["split_condition"])
            assert column["Yes"][row] == f"{tree}-{node['yes']}"
            assert column["No"][row] == f"{tree}-{node['no']}"
            assert column["Missing"][row] == f"{tree}-{node['missing']}"
            waiting += [(tree, child) for child in node["children"]]
    assert not rows
    assert set(column["Category"]) == {"nan"}
    assert trial.tensor("full_shap/f0").value(0).shape == (150, 3, 5)


@pytest.mark.parametrize("way", ["linear", "outputs"])
def test_models_without_trees_to_show_keep_their_metrics(tmp_path: Path, way: str) -> None:
    trial = boost(tmp_path, way).trial

    assert trial.tensor("validation-rmse").steps() == list(range(21))
    assert not trial.tensor_names(collection="trees")


def test_cross_validation_saves_mean_and_deviation_of_the_folds(tmp_path: Path) -> None:
    found = boost(tmp_path, "folds")
    trial = found.trial

    means, deviations = trial.tensor("test-rmse").values(), trial.tensor("test-rmse-std").values()
    assert [float(means[step]) for step in range(5)] == pytest.approx(found.truth["mean"])
    assert [float(deviations[step]) for step in range(5)] == pytest.approx(found.truth["deviation"])
    assert trial.tensor_names(collection="losses") == ["test-rmse", "train-rmse"]


def test_a_watched_estimator_can_be_copied_fitted_and_pickled(tmp_path: Path) -> None:
    found = boost(tmp_path, "estimator")

    assert found.truth["rounds"] == 21
    assert found.trial.tensor("validation_0-rmse").steps() == list(range(21))
    assert found.trial.tensor("hyperparameters/max_depth").value(0) == 3


def test_sagemakers_configuration_says_what_is_saved(tmp_path: Path) -> None:
    config = tmp_path / "debughookconfig.json"
    collections = [
        {"CollectionName": "feature_importance", "CollectionParameters": {"save_interval": "5"}},
        {"CollectionName": "predictions"},
    ]
    config.write_text(json.dumps({"LocalPath": str(tmp_path / "trial"), "CollectionConfigurations": collections}))

    found = boost(tmp_path, "configured", EPOCHWATCH_DEBUG_CONFIG=str(config))

    assert found.trial.tensor("feature_importance/gain/f0").steps() == [0, 5, 10, 15, 20]
    assert not found.trial.tensor_names(collection="trees")
    assert "predictions is not saved: the hook was given no validation_data" in found.messages


def test_a_training_goes_on_when_its_tensors_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "trial").write_text("a file, no directory")

    found = boost(tmp_path, "default")

    assert len(found.truth["metrics"]["train"]["rmse"]) == 21
    assert found.messages.count("no more tensors are saved") == 1
