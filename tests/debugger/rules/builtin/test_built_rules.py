"""What all built-in rules have in common: names, parameters, refusals, reports."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from epochwatch.debugger import Trial, invoke_rule
from epochwatch.debugger.exceptions import SMDebugError, SMDebugNotImplementedError, SMDebugValueError
from epochwatch.debugger.rules.builtin import BUILTIN_RULES, built_rule
from epochwatch.debugger.rules.builtin.rule import DETAILS_KEPT
from tests.debugger.rules.builtin.small_trials import run, values_trial
from tests.peers import ROOT

# as the guide has them
DOCUMENTED: Mapping[str, Mapping[str, Any]] = {
    "AllZero": {"collection_names": None, "tensor_regex": None, "threshold": 100},
    "CheckInputImages": {
        "threshold_mean": 0.2,
        "threshold_samples": 500,
        "regex": (".*hybridsequential0_input_0",),
        "channel": 1,
    },
    "ClassImbalance": {
        "threshold_imbalance": 10,
        "threshold_misprediction": 0.7,
        "samples": 500,
        "argmax": False,
        "labels_regex": (".*labels",),
        "predictions_regex": (".*predictions",),
    },
    "Confusion": {
        "category_no": None,
        "labels": "labels",
        "predictions": "predictions",
        "labels_collection": "labels",
        "predictions_collection": "predictions",
        "min_diag": 0.9,
        "max_off_diag": 0.1,
    },
    "CreateXgboostReport": {},
    "DeadRelu": {"tensor_regex": (".*relu_output",), "threshold_inactivity": 1, "threshold_layer": 50},
    "ExplodingTensor": {"collection_names": None, "tensor_regex": None, "only_nan": False},
    "FeatureImportanceOverweight": {
        "threshold": 0.8,
        "nfeatures": 3,
        "tensor_regex": (".*feature_importance/weight",),
    },
    "LossNotDecreasing": {
        "collection_names": None,
        "tensor_regex": None,
        "use_losses_collection": True,
        "num_steps": 10,
        "diff_percent": 0.1,
        "increase_threshold_percent": 5,
        "mode": None,
    },
    "NLPSequenceRatio": {
        "tensor_regex": (".*embedding0_input_0",),
        "token_values": (0,),
        "token_thresholds_percent": (50,),
    },
    "Overfit": {"tensor_regex": None, "start_step": 0, "patience": 1, "ratio_threshold": 0.1},
    "Overtraining": {"patience_train": 5, "patience_validation": 10, "delta": 0.01},
    "PoorWeightInitialization": {
        "activation_inputs_regex": (".*relu_input",),
        "threshold": 10,
        "distribution_range": 0.001,
        "patience": 5,
        "steps": 10,
    },
    "SaturatedActivation": {
        "collection_names": None,
        "tensor_regex": (".*tanh_input|.*sigmoid_input",),
        "threshold_tanh_min": -9.4999,
        "threshold_tanh_max": 9.4999,
        "threshold_sigmoid_min": -23,
        "threshold_sigmoid_max": 16.99999,
        "threshold_inactivity": 1,
        "threshold_layer": 50,
    },
    "SimilarAcrossRuns": {"other_trial": None, "collection_names": None, "tensor_regex": None},
    "StalledTrainingRule": {
        "threshold": 1800,
        "stop_training_on_fire": False,
        "training_job_name_prefix": None,
    },
    "TensorVariance": {
        "collection_names": None,
        "tensor_regex": None,
        "max_threshold": None,
        "min_threshold": None,
    },
    "TreeDepth": {"depth": 4},
    "UnchangedTensor": {
        "collection_names": None,
        "tensor_regex": None,
        "num_steps": 3,
        "rtol": 1e-5,
        "atol": 1e-8,
        "equal_nan": False,
    },
    "VanishingGradient": {"threshold": 1e-7},
    "WeightUpdateRatio": {
        "num_steps": None,
        "large_threshold": 10,
        "small_threshold": 1e-8,
        "epsilon": 1e-9,
    },
}


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    return values_trial(tmp_path, [{"gradient/a": [0.0, step], "gradient/b": [0.0, 0.0]} for step in range(3)])


def test_all_rules_have_the_documented_parameters() -> None:
    assert {
        name: {one: parameter.default for one, parameter in rule.parameters.items()}
        for name, rule in BUILTIN_RULES.items()
    } == DOCUMENTED


def test_the_page_has_all_rules_and_parameters() -> None:
    page = (ROOT / "docs" / "sagemaker-rules.md").read_text()
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    assert sorted(rows) == sorted(BUILTIN_RULES)
    lacking = [
        (name, one)
        for name, rule in BUILTIN_RULES.items()
        for one in rule.parameters
        if f"`{one}`" not in rows[name]
    ]
    assert lacking == []


def test_parameters_come_as_strings_and_as_values(trial: Trial) -> None:
    strings = {
        "collection_names": "a, b",
        "tensor_regex": "x,y",
        "num_steps": "5",
        "rtol": "1e-3",
        "equal_nan": "true",
    }
    values = {
        "collection_names": ["a", "b"],
        "tensor_regex": ("x", "y"),
        "num_steps": 5,
        "rtol": 1e-3,
        "equal_nan": True,
    }
    rules = [built_rule("UnchangedTensor", given, trial) for given in (strings, values)]
    assert rules[0].values == rules[1].values
    assert rules[0].report["RuleParameters"] == (
        "collection_names:a,b\ntensor_regex:x,y\nnum_steps:5\nrtol:0.001\natol:1e-08\nequal_nan:True"
    )


def test_the_rules_own_trial_is_no_parameter_to_heed(trial: Trial) -> None:
    assert built_rule("VanishingGradient", {"base_trial": "job", "threshold": "0.5"}, trial).values == {
        "threshold": 0.5
    }


def test_where_the_other_trial_is_may_be_spelt_in_two_ways(trial: Trial) -> None:
    rules = [
        built_rule("SimilarAcrossRuns", {name: "job"}, trial, [trial]) for name in ("other_trial", "other_trials")
    ]
    assert [rule.values["other_trial"] for rule in rules] == ["job", "job"]


@pytest.mark.parametrize(
    ("rule", "parameters", "message"),
    [
        ("NoSuchRule", {}, "'NoSuchRule' is no built-in rule: one of AllZero, "),
        (
            "VanishingGradient",
            {"treshold": "1"},
            "VanishingGradient has no parameter 'treshold': it takes threshold",
        ),
        ("VanishingGradient", {"other_trial": "x"}, "has no parameter 'other_trial'"),
        ("CreateXgboostReport", {"threshold": "1"}, "has no parameter 'threshold': it takes no parameters"),
        ("StalledTrainingRule", {"clock": "x"}, "StalledTrainingRule has no parameter 'clock'"),
        ("VanishingGradient", {"threshold": "low"}, "threshold must be a number, not 'low'"),
        ("VanishingGradient", {"threshold": "nan"}, "threshold must be a number, not 'nan'"),
        ("VanishingGradient", {"threshold": True}, "threshold must be a number, not True"),
        ("AllZero", {"threshold": "101"}, "threshold must be a number from 0 to 100, not '101'"),
        ("LossNotDecreasing", {"diff_percent": "0"}, "diff_percent must be a number between 0 and 100, not '0'"),
        ("LossNotDecreasing", {"num_steps": "2.5"}, "num_steps must be a whole number from 1, not '2.5'"),
        ("LossNotDecreasing", {"mode": "PREDICT"}, "mode must be one of EVAL, TRAIN, GLOBAL, not 'PREDICT'"),
        ("UnchangedTensor", {"num_steps": 1}, "num_steps must be a whole number from 2, not 1"),
        ("ExplodingTensor", {"only_nan": "yes"}, "only_nan must be True or False, not 'yes'"),
        ("DeadRelu", {"tensor_regex": "("}, r"tensor_regex must be a list of regular expressions, .* not '\('"),
        ("DeadRelu", {"tensor_regex": " , "}, "tensor_regex must be a list"),
        ("Confusion", {"labels": ""}, "labels must be a text that is not empty"),
        ("NLPSequenceRatio", {"token_values": "0, x"}, "token_values must be a list of numbers"),
        ("SimilarAcrossRuns", {"other_trial": "x"}, "give the trial to compare with"),
    ],
)
def test_bad_rules_and_parameters_are_refused(
    trial: Trial, rule: str, parameters: Mapping[str, Any], message: str
) -> None:
    with pytest.raises(SMDebugError, match=message):
        built_rule(rule, parameters, trial)


def test_a_refusal_of_a_parameter_is_a_value_error(trial: Trial) -> None:
    with pytest.raises(SMDebugValueError):
        built_rule("TreeDepth", {"depth": "-1"}, trial)
    with pytest.raises(SMDebugNotImplementedError):
        BUILTIN_RULES["TreeDepth"](trial, '{"name": "sms"}')


def test_a_report_says_what_was_found(trial: Trial) -> None:
    rule, steps = run("AllZero", trial, collection_names="gradients")
    assert steps == [0, 1, 2]
    assert (rule.report["RuleTriggered"], rule.report["Violations"], rule.report["Datapoints"]) == (3, 4, 6)
    message = "100 % of its elements are zero, 100 % or more"
    assert rule.report["Details"] == {
        "violations": [
            {"step": 0, "tensor": "gradient/a", "message": message},
            *({"step": step, "tensor": "gradient/b", "message": message} for step in range(3)),
        ]
    }


def test_a_report_keeps_the_first_violations(tmp_path: Path) -> None:
    many = {f"gradient/{number}": 0.0 for number in range(60)}
    rule, _ = run("VanishingGradient", values_trial(tmp_path, [many, many]))
    assert (rule.report["Violations"], len(rule.report["Details"]["violations"])) == (120, DETAILS_KEPT)


@pytest.mark.parametrize("name", sorted(set(DOCUMENTED) - {"SimilarAcrossRuns"}))
def test_a_rule_without_the_tensors_it_needs_finds_nothing(tmp_path: Path, name: str) -> None:
    trial = values_trial(tmp_path, {0: {"other": [1.0]}, 7: {"text": ["a"]}})
    needed = {"tensor_regex": "none"} if name in ("AllZero", "UnchangedTensor", "TensorVariance") else {}
    bounds = {"max_threshold": 1} if name == "TensorVariance" else {}
    rule = built_rule(name, needed | bounds, trial)
    invoke_rule(rule, raise_eval_cond=True)
    assert rule.report["RuleTriggered"] == 0
