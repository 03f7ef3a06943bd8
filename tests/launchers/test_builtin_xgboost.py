"""Built-in XGBoost: the image alone trains, as SageMaker's does."""

import io
import json
import math
import random
import re
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.launchers.created_jobs import BUCKET, JobServer, channel, way
from tests.peers import peer_python

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
READ = """
import json, sys, xgboost
model = xgboost.Booster(model_file=sys.argv[1])
print(json.dumps([model.num_boosted_rounds(), model.num_features()]))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobServer]:
    environment = {"VIRTUAL_ENV": str(peer_python("xgboost").parent.parent)}
    with JobServer(tmp_path_factory.mktemp("boosting"), environment=environment, max_jobs="4") as running:
        yield running


def rows(count: int, seed: int) -> list[tuple[float, list[float]]]:
    """Labels that follow from the features."""
    of = random.Random(seed)
    features = [[of.uniform(-1, 1) for _ in range(3)] for _ in range(count)]
    return [(3 * x + math.sin(5 * y), [x, y, z]) for x, y, z in features]


def as_csv(found: list[tuple[float, list[float]]]) -> bytes:
    return "".join(",".join(f"{value:.5f}" for value in [label, *row]) + "\n" for label, row in found).encode()


def as_libsvm(found: list[tuple[float, list[float]]]) -> bytes:
    """Of class 1 where the label is above zero."""
    lines = (
        f"{int(label > 0)} " + " ".join(f"{index}:{value:.5f}" for index, value in enumerate(row))
        for label, row in found
    )
    return "".join(f"{line}\n" for line in lines).encode()


def boost(
    server: JobServer, name: str, kind: str, hyperparameters: dict[str, str], count: int = 300, **more: Any
) -> None:
    """A job of the image, with a channel for training and one for validation."""
    inputs = []
    for number, one in enumerate(("train", "validation")):
        text = (as_csv if kind == "text/csv" else as_libsvm)(rows(count, number))
        uri = server.put(f"boosting/{name}/{one}/rows", text).removesuffix("/rows")
        inputs.append(channel(one, uri) | {"ContentType": kind})
    server.create(name, image=IMAGE, HyperParameters=hyperparameters, InputDataConfig=inputs, **more)


def model(server: JobServer, name: str, folder: Path) -> list[int]:
    """Rounds and columns of the job's model."""
    with tarfile.open(fileobj=io.BytesIO(server.get(f"out/{name}/output/model.tar.gz"))) as tar:
        assert tar.getnames() == ["xgboost-model"]
        tar.extractall(folder, filter="data")
    words = [str(peer_python("xgboost")), "-c", READ, str(folder / "xgboost-model")]
    read: list[int] = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
    return read


def rounds_of(lines: list[str]) -> list[str]:
    return [line for line in lines if re.match(r"\[[0-9]+\]\t", line)]


def final(job: dict[str, Any]) -> dict[str, float]:
    return {one["MetricName"]: one["Value"] for one in job["FinalMetricDataList"]}


def test_rounds_of_csv_are_printed_measured_and_kept(server: JobServer, tmp_path: Path) -> None:
    boost(server, "csv", "text/csv", {"num_round": "12", "eta": "0.3", "eval_metric": "mae,rmse,r2"})

    job = server.over("csv")

    assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]
    lines = server.lines("csv")
    assert lines[:2] == ["Train matrix has 300 rows and 3 columns", "Validation matrix has 300 rows"]
    rounds = rounds_of(lines)
    assert [line.partition("\t")[0] for line in rounds] == [f"[{number}]" for number in range(12)]
    values = final(job)
    last = dict(part.split(":") for part in rounds[-1].split("\t")[1:])
    for name in ("train:mae", "train:rmse", "train:r2", "validation:rmse", "validation:r2"):
        assert values[name] == pytest.approx(float(last[name.replace(":", "-")]))
    assert values["train:rmse"] < 0.3
    assert values["validation:r2"] > 0.9
    assert model(server, "csv", tmp_path) == [12, 3]


def test_libsvm_is_read_and_the_best_rounds_are_kept(server: JobServer, tmp_path: Path) -> None:
    early = {"num_round": "400", "eta": "1", "early_stopping_rounds": "3"}
    boost(
        server,
        "libsvm",
        "text/libsvm",
        early | {"objective": "binary:logistic", "eval_metric": "logloss,accuracy"},
    )

    job = server.over("libsvm")

    assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]
    rounds = rounds_of(server.lines("libsvm"))
    scores = [float(line.rpartition(":")[2]) for line in rounds]
    best = scores.index(max(scores))
    assert len(rounds) == best + 1 + 3
    assert model(server, "libsvm", tmp_path) == [best + 1, 3]
    assert final(job)["validation:accuracy"] > 0.9


def test_hosts_train_one_model_of_all_rows(server: JobServer, tmp_path: Path) -> None:
    for number in range(2):
        server.put(f"boosting/shards/part-{number}", as_csv(rows(200, number)))
    train = channel("train", f"s3://{BUCKET}/boosting/shards", S3DataDistributionType="ShardedByS3Key")

    server.create(
        "hosts",
        image="xgboost",
        hosts=2,
        HyperParameters={"num_round": "5"},
        InputDataConfig=[train | {"ContentType": "text/csv"}],
    )
    job = server.over("hosts")

    assert job["TrainingJobStatus"] == "Completed", (job, server.lines("hosts"))
    first, second = server.lines("hosts", "algo-1"), server.lines("hosts", "algo-2")
    assert len(rounds_of(first)) == 5
    assert second[-1] == "Train matrix has 200 rows and 3 columns"
    assert model(server, "hosts", tmp_path) == [5, 3]


# a round learns so little that the next one has as much to do
SLOW = {"num_round": "100000", "max_depth": "9", "eta": "0.0001", "num_parallel_tree": "100", "nthread": "1"}


def test_an_interrupted_training_goes_on_from_its_checkpoint(server: JobServer) -> None:
    spot = {
        "EnableManagedSpotTraining": True,
        "CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/checkpoints/boosting"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 900},
    }
    boost(server, "resumed", "text/csv", SLOW, **spot)
    server.until_printed("resumed", lambda lines: any(line.startswith("[3]") for line in lines))

    server.interrupt("resumed")
    server.until_printed("resumed", lambda lines: any(line.startswith("Resuming") for line in lines))
    server.sagemaker.stop_training_job(TrainingJobName="resumed")
    job = server.over("resumed")

    assert "Interrupted" in way(job)
    lines = server.lines("resumed")
    resumed = next(int(line.rpartition(" ")[2]) for line in lines if line.startswith("Resuming"))
    numbers = [int(line[1:].partition("]")[0]) for line in rounds_of(lines)]
    assert numbers == list(range(len(numbers)))
    assert resumed > 3


def test_a_stopped_training_leaves_its_model_where_it_is_asked_to(server: JobServer, tmp_path: Path) -> None:
    both = {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}}
    boost(server, "saved", "text/csv", SLOW | {"save_model_on_termination": "true"}, **both)
    boost(server, "unsaved", "text/csv", SLOW)
    for name in ("saved", "unsaved"):
        server.until_printed(name, lambda lines: len(rounds_of(lines)) > 2)
        server.sagemaker.stop_training_job(TrainingJobName=name)

    assert [server.over(name)["TrainingJobStatus"] for name in ("saved", "unsaved")] == ["Stopped", "Stopped"]
    printed = rounds_of(server.lines("saved"))
    assert model(server, "saved", tmp_path) == [len(printed), 3]
    assert server.keys("out/unsaved/") == []


@pytest.mark.parametrize(
    ("name", "hyperparameters", "content", "reason"),
    [
        ("none", {}, b"1,2\n", "ClientError: Missing required hyperparameter: num_round"),
        (
            "range",
            {"num_round": "3", "eta": "2"},
            b"1,2\n",
            "ClientError: Hyperparameter eta: value 2 not in range [0, 1]",
        ),
        (
            "unknown",
            {"num_round": "3", "rounds": "2"},
            b"1,2\n",
            "ClientError: Extraneous hyperparameter found: rounds",
        ),
        ("header", {"num_round": "3"}, b"label,x\n1,2\n", "ClientError: Failed to load csv data: "),
        ("labels", {"num_round": "3", "objective": "binary:logistic"}, b"7,2\n", "AlgorithmError: XGB train call"),
    ],
)
def test_what_cannot_be_trained_fails_with_its_reason(
    server: JobServer, name: str, hyperparameters: dict[str, str], content: bytes, reason: str
) -> None:
    uri = server.put(f"boosting/bad/{name}/rows", content).removesuffix("/rows")
    inputs = [channel("train", uri) | {"ContentType": "text/csv"}]

    server.create(f"bad-{name}", image=IMAGE, HyperParameters=hyperparameters, InputDataConfig=inputs)

    job = server.over(f"bad-{name}")
    assert (job["TrainingJobStatus"], job["FailureReason"][: len(reason)]) == ("Failed", reason)
