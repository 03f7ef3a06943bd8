"""Script mode: what a script finds in its environment and on its command line."""

import json
from typing import Any

import pytest

from epochwatch.launchers.contract import resource_config
from epochwatch.launchers.plan import JobHost
from epochwatch.launchers.toolkit import Machine, Script, script_of

HOSTS = [JobHost("algo-1", "ml.m5.large"), JobHost("algo-2", "ml.m5.large")]
INPUTS = {"train": {"TrainingInputMode": "File"}, "test": {"TrainingInputMode": "File"}}
BASE = {
    "sagemaker_program": '"train.py"',
    "sagemaker_submit_directory": '"s3://bucket/job/source/sourcedir.tar.gz"',
    "sagemaker_container_log_level": "20",
}


def script(gpus: int = 0, hosts: list[JobHost] = HOSTS, current: int = 0, **hyperparameters: str) -> Script:
    found = script_of(
        BASE | hyperparameters,
        resource_config(hosts, hosts[current], "lo"),
        INPUTS,
        "job",
        Machine(4, gpus),
        "pytorch",
    )
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("hyperparameters", "arguments"),
    [
        ({}, []),
        ({"epochs": "5"}, ["--epochs", "5"]),
        ({"lr": "0.1", "b": "2", "a-b": '"x y"'}, ["--a-b", "x y", "-b", "2", "--lr", "0.1"]),
        ({"flag": "true", "names": '["a", "b"]'}, ["--flag", "True", "--names", "['a', 'b']"]),
        ({"plain": "no json"}, ["--plain", "no json"]),
        ({"_tuning_objective_metric": '"loss"', "sagemaker_region": '"us-east-1"'}, []),
    ],
)
def test_hyperparameters_become_arguments_sorted_by_name(
    hyperparameters: dict[str, str], arguments: list[str]
) -> None:
    assert script(**hyperparameters).arguments() == arguments


@pytest.mark.parametrize(
    ("program", "command"),
    [
        ("train.py", ["python3", "train.py", "--epochs", "2"]),
        ("folder/train.py", ["python3", "folder/train.py", "--epochs", "2"]),
        ("run.sh", ["/bin/sh", "-c", "./run.sh --epochs 2"]),
        ("package.module", ["python3", "-m", "package.module", "--epochs", "2"]),
    ],
)
def test_the_command_is_by_the_kind_of_program(program: str, command: list[str]) -> None:
    assert script(epochs="2", sagemaker_program=json.dumps(program)).command() == command


def test_torch_distributed_is_launched_on_each_host_with_its_rank() -> None:
    words = script(gpus=2, current=1, sagemaker_torch_distributed_enabled="true", lr="1").command()

    assert words[:3] == ["python3", "-m", "torch.distributed.run"]
    options = dict(zip(words[3:13:2], words[4:13:2], strict=True))
    assert options == {
        "--nnodes": "2", "--nproc_per_node": "2", "--master_addr": "algo-1", "--master_port": "7777",
        "--node_rank": "1",
    }  # fmt: skip
    assert words[13:] == ["train.py", "--lr", "1"]


@pytest.mark.parametrize("way", ["sagemaker_mpi_enabled", "sagemaker_parameter_server_enabled"])
def test_a_distribution_that_is_not_here_is_refused_with_a_hint(way: str) -> None:
    with pytest.raises(ValueError, match="not available here: use"):
        script(**{way: "true"}).command()


def test_the_environment_holds_what_the_toolkit_gives() -> None:
    found = script(epochs="3", current=1).environment()

    expected: dict[str, Any] = {
        "SM_MODEL_DIR": "/opt/ml/model",
        "SM_OUTPUT_DATA_DIR": "/opt/ml/output/data",
        "SM_CHANNEL_TRAIN": "/opt/ml/input/data/train",
        "SM_CHANNELS": '["test","train"]',
        "SM_HOSTS": '["algo-1","algo-2"]',
        "SM_CURRENT_HOST": "algo-2",
        "SM_HP_EPOCHS": "3",
        "SM_HPS": '{"epochs":3}',
        "SM_USER_ARGS": '["--epochs","3"]',
        "SM_USER_ENTRY_POINT": "train.py",
        "SM_MODULE_NAME": "train",
        "SM_MODULE_DIR": "s3://bucket/job/source/sourcedir.tar.gz",
        "SM_NUM_CPUS": "4",
        "SM_NUM_GPUS": "0",
        "SM_LOG_LEVEL": "20",
        "SM_FRAMEWORK_MODULE": "sagemaker_pytorch_container.training:main",
        "SM_IS_HETERO": "false",
        "SM_CURRENT_INSTANCE_GROUP_HOSTS": '["algo-1","algo-2"]',
        "MASTER_ADDR": "algo-1",
        "MASTER_PORT": "7777",
    }
    assert {name: found[name] for name in expected} == expected
    whole = json.loads(found["SM_TRAINING_ENV"])
    assert (whole["hyperparameters"], whole["is_master"], whole["job_name"]) == ({"epochs": 3}, False, "job")


def test_a_job_without_a_program_is_not_in_script_mode() -> None:
    resources = resource_config(HOSTS, HOSTS[0], "lo")
    assert script_of({"epochs": "3"}, resources, INPUTS, "job", Machine(1, 0)) is None
