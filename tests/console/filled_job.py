"""Jobs and a tuning job of an account of their own, for the tests of their pages."""

import math
import time
from pathlib import Path
from typing import Any

from epochwatch.model.launch import JobProgress
from epochwatch.model.tenant import Tenant
from epochwatch.services.call import Call
from epochwatch.services.sagemaker.training_job_changes import create_training_job
from epochwatch.services.sagemaker.tuning_jobs import create_hyper_parameter_tuning_job
from epochwatch.store.state.resources import TUNING_JOB
from epochwatch.store.stores import Stores

SECRET = "the-tuner"
TUNER = Tenant("777766665555", "us-east-1")
TRAININGS = 40
ROLE = "arn:aws:iam::777766665555:role/train"
RULES = "1.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules:latest"
DEFINITION = {
    "AlgorithmSpecification": {
        "TrainingImage": "process",
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "validation:loss", "Regex": "loss=([0-9.]+)"}],
    },
    "RoleArn": ROLE,
    "OutputDataConfig": {"S3OutputPath": "s3://results/out"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
    "StoppingCondition": {"MaxRuntimeInSeconds": 600},
}
RANGES = {
    "ContinuousParameterRanges": [
        {"Name": "lr", "MinValue": "0.0001", "MaxValue": "1", "ScalingType": "Logarithmic"},
        {"Name": "dropout", "MinValue": "0", "MaxValue": "0.5"},
    ],
    "IntegerParameterRanges": [{"Name": "layers", "MinValue": "1", "MaxValue": "8"}],
    "CategoricalParameterRanges": [{"Name": "optimizer", "Values": ["sgd", "adam", "lion"]}],
}


def fill(stores: Stores, run: type[Any], buckets: Path) -> None:
    """``noted``, a run that has ended; ``made``, a created job that trains, with rules and files in S3; ``waiting``,
    one that can be stopped; ``gone``, one that can be deleted; the tuning jobs ``tuned`` and ``tuned-again``.
    """
    now = time.time()
    noted = run(stores, "a" * 32, "noted", now - 600, TUNER)
    noted.commit(run_points=[noted.points({"train:loss": [2.0, 1.0]}, [1, 2], [now - 500, now - 400])])
    noted.progress("Completed", 0)
    gone = run(stores, "b" * 32, "gone", now - 600, TUNER)
    gone.progress("Completed", 0)
    _made(stores, now, buckets)
    _create(stores, "waiting", now)
    for name, count in (("tuned", TRAININGS), ("tuned-again", 0)):
        _tuning(stores, run, name, now - 3600, count)


def _create(stores: Stores, name: str, now: float, **more: Any) -> None:
    create_training_job(Call(TUNER, stores, "fill", now), {"TrainingJobName": name, **DEFINITION, **more})


def _made(stores: Stores, now: float, buckets: Path) -> None:
    channel = {
        "ChannelName": "train",
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/digits/"}},
    }
    _create(
        stores,
        "made",
        now - 300,
        HyperParameters={"epochs": "3", "learning_rate": "0.01"},
        Environment={"NCCL_DEBUG": "INFO"},
        InputDataConfig=[channel],
        CheckpointConfig={"S3Uri": "s3://results/checkpoints/made"},
        DebugHookConfig={"S3OutputPath": "s3://results/tensors"},
        DebugRuleConfigurations=[{"RuleConfigurationName": "VanishingGradient", "RuleEvaluatorImage": RULES}],
    )
    for sequence, (status, at) in enumerate((("Downloading", 250), ("Training", 200)), 1):
        word = JobProgress(TUNER.account, TUNER.region, "made", 1, sequence, status, now - at)
        stores.state.jobs.job_progress(TUNER, word, now - at)
    folder = buckets / "results/out/made/output"
    folder.mkdir(parents=True)
    (folder / "model.tar.gz").write_bytes(b"weights" * 1000)
    steps = buckets / "results/checkpoints/made"
    steps.mkdir(parents=True)
    (steps / "step 1.pt").write_bytes(b"1" * 10)
    (buckets / "results/out/other").mkdir()
    (buckets / "results/out/other/secret.txt").write_bytes(b"of another job")


def _tuning(stores: Stores, run: type[Any], name: str, begun: float, count: int) -> None:
    create_hyper_parameter_tuning_job(
        Call(TUNER, stores, "fill", begun),
        {
            "HyperParameterTuningJobName": name,
            "HyperParameterTuningJobConfig": {
                "Strategy": "Random",
                "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:loss"},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": 50, "MaxParallelTrainingJobs": 4},
                "ParameterRanges": RANGES,
            },
            "TrainingJobDefinition": DEFINITION,
        },
    )
    trials = [_training(stores, run, name, begun + 60 * number, number) for number in range(count)]
    stores.state.resources.change(TUNER, TUNING_JOB, name, lambda record: {**record, "trials": trials}, begun)


def _training(stores: Stores, run: type[Any], tuning: str, begun: float, number: int) -> dict[str, Any]:
    """One training: its loss depends on the learning rate alone. The last one still trains."""
    name, share = f"{tuning}-{number:03}", (number * 0.618034) % 1
    values = {
        "lr": repr(10 ** (-4 + 4 * share)),
        "dropout": repr(round((number * 0.414214) % 1 * 0.5, 4)),
        "layers": str(1 + number * 5 % 8),
        "optimizer": ("sgd", "adam", "lion")[number % 3],
    }
    arn = f"arn:aws:sagemaker:{TUNER.region}:{TUNER.account}:hyper-parameter-tuning-job/{tuning}"
    request = {"HyperParameters": values, "TuningJobArn": arn, **DEFINITION}
    stores.state.jobs.create(TUNER, name, request, [], {}, begun, config=values)
    at = run(stores, f"{number:032x}", name, begun, TUNER, job=name)
    loss = 0.1 + math.log10(float(values["lr"]) / 0.01) ** 2
    at.commit(run_points=[at.points({"validation:loss": [loss + 1, loss]}, [1, 2], [begun + 10, begun + 20])])
    for sequence, status in enumerate(["Training", "Completed"] if number < TRAININGS - 1 else ["Training"], 1):
        word = JobProgress(TUNER.account, TUNER.region, name, 1, sequence, status, begun + 20 * sequence)
        stores.state.jobs.job_progress(TUNER, word, begun + 20 * sequence)
    return {"name": name, "definition": "", "values": values, "made": True}
