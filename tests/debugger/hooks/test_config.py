"""What a hook is told to save: SageMaker's file, the environment, and what is wrong with either."""

import json
from pathlib import Path
from typing import Any

import pytest

from epochwatch.debugger import ModeKeys
from epochwatch.debugger.exceptions import SMDebugValueError
from epochwatch.debugger.hooks.config import DEFAULT_COLLECTIONS, CollectionConfig, HookConfig, SaveConfig


def read(directory: Path, content: Any) -> HookConfig:
    path = directory / "debughookconfig.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return HookConfig.from_json(path)


@pytest.mark.parametrize(
    ("config", "due"),
    [
        (SaveConfig(3), [0, 3, 6, 9]),
        (SaveConfig(2, start_step=3, end_step=8), [4, 6]),
        (SaveConfig(5, save_steps=(1, 7)), [0, 1, 5, 7]),
        (SaveConfig(end_step=0, save_steps=(4,)), [4]),
    ],
)
def test_a_step_is_due_by_interval_within_bounds_or_by_itself(config: SaveConfig, due: list[int]) -> None:
    assert [step for step in range(10) if config.due(step)] == due


def test_sagemakers_file_is_read_with_its_defaults(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        {
            "S3OutputPath": "s3://bucket/prefix",
            "LocalPath": "/somewhere",
            "HookParameters": {"save_interval": "100", "eval.save_interval": "7", "include_workers": "all"},
            "CollectionConfigurations": [
                {"CollectionName": "weights", "CollectionParameters": None},
                {
                    "CollectionName": "mine",
                    "CollectionParameters": {
                        "include_regex": "relu,tanh",
                        "train.save_steps": "1, 2",
                        "start_step": "5",
                        "reductions": "min,abs_l2_norm",
                    },
                },
            ],
        },
    )
    weights, mine = config.collections
    assert (config.out_dir, config.include_workers) == ("/somewhere", "all")
    assert (weights.save_raw_tensor, weights.statistics, weights.reductions) == (True, True, ())
    assert config.save_of(weights, ModeKeys.TRAIN) == SaveConfig(100)
    assert config.save_of(weights, ModeKeys.EVAL) == SaveConfig(7)
    assert (mine.include_regex, mine.reductions) == (("relu", "tanh"), ("min", "abs_l2"))
    assert not mine.save_raw_tensor
    assert config.save_of(mine, ModeKeys.TRAIN) == SaveConfig(100, start_step=5, save_steps=(1, 2))
    assert config.save_of(mine, ModeKeys.EVAL) == SaveConfig(7, start_step=5)


def test_an_empty_file_is_the_default_each_500_steps(tmp_path: Path) -> None:
    config = read(tmp_path, {})
    assert (config.out_dir, config.collections) == ("/opt/ml/output/tensors", DEFAULT_COLLECTIONS)
    assert config.save_of(config.collections[0], ModeKeys.TRAIN) == SaveConfig(500)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is no JSON"),
        ([], "is no JSON object"),
        ({"HookParameters": {"save_intervall": "1"}}, "save_intervall is no parameter of HookParameters"),
        ({"HookParameters": {"save_interval": "ten"}}, "save_interval is a whole number, not 'ten'"),
        ({"HookParameters": {"save_interval": "0"}}, "save_interval is a number of steps from 1 on"),
        ({"HookParameters": {"save_all": "yes"}}, "save_all is true or false, not 'yes'"),
        ({"HookParameters": {"include_workers": "two"}}, "include_workers is one or all, not two"),
        ({"HookParameters": {"export_tensorboard": "true"}}, "export_tensorboard is not supported"),
        ({"CollectionConfigurations": {}}, None),
        ({"CollectionConfigurations": "weights"}, "CollectionConfigurations is no list"),
        ({"CollectionConfigurations": [{}]}, "an entry without CollectionName"),
        (
            {
                "CollectionConfigurations": [
                    {"CollectionName": "a", "CollectionParameters": {"reductions": "range"}}
                ]
            },
            "collection a: range is no reduction",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, content: Any, words: str | None) -> None:
    with pytest.raises(SMDebugValueError, match=words or "CollectionConfigurations is no list"):
        read(tmp_path, content)


def test_the_environment_names_a_file_or_a_directory(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"LocalPath": "/from/file", "HookParameters": {"save_interval": "3"}}')
    named = {"EPOCHWATCH_DEBUG_CONFIG": str(path)}
    assert HookConfig.from_environment(named).out_dir == "/from/file"
    both = HookConfig.from_environment(named | {"EPOCHWATCH_DEBUG_DIR": "/here"})
    assert (both.out_dir, both.save[ModeKeys.TRAIN]) == ("/here", SaveConfig(3))
    assert HookConfig.from_environment({"EPOCHWATCH_DEBUG_DIR": "/here"}) == HookConfig("/here")
    with pytest.raises(SMDebugValueError, match="no directory for the tensors"):
        HookConfig.from_environment({})


def test_a_reduction_that_is_none_is_refused_in_code_too() -> None:
    with pytest.raises(SMDebugValueError, match="mine: mode is no reduction"):
        CollectionConfig("mine", (".*",), reductions=("mode",))
