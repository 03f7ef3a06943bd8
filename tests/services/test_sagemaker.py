"""SageMaker's training jobs over real stores."""

import re

import pytest

from epochwatch.model.batch import Definition, Progress, Registration
from epochwatch.services.sagemaker import describe_training_job, list_training_jobs
from epochwatch.store.run_points import TRAINING_JOB, RunPointColumns
from tests.services.conftest import Caller
from tests.services.points import columns


def register(caller: Caller, name: str, **more) -> str:
    run_id = f"{name}-{caller.tenant.account}"
    caller.stores.state.jobs.register(
        caller.tenant, Registration(run_id=run_id, name=name, started=caller.now - 10, **more), caller.now
    )
    return run_id


def progress(caller: Caller, run_id: str, status: str, **more) -> None:
    caller.stores.state.jobs.progress(
        caller.tenant, Progress(run_id=run_id, status=status, time=caller.now, **more), caller.now
    )


def points(caller: Caller, name: str, written: RunPointColumns) -> None:
    caller.stores.run_points.write(caller.tenant, TRAINING_JOB, name, written)


def describe(caller: Caller, name: str = "job") -> dict:
    return caller(describe_training_job, TrainingJobName=name)


def test_an_unknown_job_is_a_validation_error(caller: Caller):
    assert caller.refused(describe_training_job, TrainingJobName="no") == (
        "ValidationException",
        "Requested resource not found.",
    )


def test_a_running_job(caller: Caller):
    run = register(
        caller,
        "job",
        command=["python", "train.py", "--lr", "0.1"],
        config={"lr": 0.1, "name": "x", "layers": [1, 2], "long": "v" * 3000},
        definitions=[Definition("train:loss", r"loss=([0-9.]+)")],
    )
    progress(caller, run, "InProgress")
    found = describe(caller)
    assert found["TrainingJobArn"] == f"arn:aws:sagemaker:us-east-1:{caller.tenant.account}:training-job/job"
    assert (found["TrainingJobStatus"], found["SecondaryStatus"]) == ("InProgress", "Training")
    assert found["TrainingStartTime"] == caller.now - 10
    assert found["CreationTime"] == found["LastModifiedTime"] == caller.now
    assert found["ModelArtifacts"] == {"S3ModelArtifacts": ""}
    assert found["StoppingCondition"]["MaxRuntimeInSeconds"] > 0
    assert found["ResourceConfig"]["InstanceCount"] == 1
    assert found["AlgorithmSpecification"] == {
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "train:loss", "Regex": r"loss=([0-9.]+)"}],
        "EnableSageMakerMetricsTimeSeries": True,
        "ContainerEntrypoint": ["python"],
        "ContainerArguments": ["train.py", "--lr", "0.1"],
    }
    assert found["HyperParameters"] == {"lr": "0.1", "name": "x", "layers": "[1, 2]", "long": "v" * 2500}
    assert [t["Status"] for t in found["SecondaryStatusTransitions"]] == ["Starting", "Training"]
    assert "EndTime" not in found["SecondaryStatusTransitions"][-1]
    assert "TrainingEndTime" not in found
    assert "FailureReason" not in found
    assert found["FinalMetricDataList"] == []


def test_a_failed_job(caller: Caller):
    run = register(caller, "job")
    caller.now += 50
    progress(caller, run, "Failed", exit_code=3, failure_reason="AlgorithmError: exit status 3")
    found = describe(caller)
    assert (found["TrainingJobStatus"], found["SecondaryStatus"]) == ("Failed", "Failed")
    assert found["FailureReason"] == "AlgorithmError: exit status 3"
    assert found["TrainingEndTime"] == caller.now
    assert found["TrainingTimeInSeconds"] == 60
    assert found["SecondaryStatusTransitions"][-1]["EndTime"] == caller.now


def test_final_metrics_are_the_last_finite_values(caller: Caller):
    register(caller, "job", definitions=[Definition("z", "z=(.*)"), Definition("never", "n=(.*)")])
    at = caller.now
    points(caller, "job", columns("a", [3.0, 1.0, 2.0], at, step=[1, 2, 3]))
    points(caller, "job", columns("nan", [5.0, float("nan")], at))
    points(caller, "job", columns("only nan", [float("inf")], at))
    points(caller, "job", columns("z", [9.0], at))
    assert describe(caller)["FinalMetricDataList"] == [
        {"MetricName": "z", "Value": 9.0, "Timestamp": at},
        {"MetricName": "a", "Value": 2.0, "Timestamp": at + 2},
        {"MetricName": "nan", "Value": 5.0, "Timestamp": at},
    ]


def test_every_metric_has_a_definition_that_finds_it(caller: Caller):
    register(caller, "job", definitions=[Definition("logged", "", "log"), Definition("long", "x" * 501, "auto")])
    points(caller, "job", columns("val (top-5)", [1.0], caller.now))
    found = describe(caller)["AlgorithmSpecification"]["MetricDefinitions"]
    assert [d["Name"] for d in found] == ["logged", "long", "val (top-5)"]
    for definition in found:
        assert 1 <= len(definition["Regex"]) <= 500
        line = f"epoch 3 {definition['Name']}= -1.5e-3 end"
        assert re.search(definition["Regex"], line)[1] == "-1.5e-3"


def test_no_more_than_forty_metrics_are_listed(caller: Caller):
    register(caller, "job", definitions=[Definition("d", "d=(.*)")])
    for number in range(45):
        points(caller, "job", columns(f"m{number:02}", [1.0], caller.now))
    found = describe(caller)
    assert [d["Name"] for d in found["AlgorithmSpecification"]["MetricDefinitions"]][:2] == ["d", "m00"]
    assert len(found["AlgorithmSpecification"]["MetricDefinitions"]) == 40
    assert len(found["FinalMetricDataList"]) == 40


@pytest.fixture
def jobs(caller: Caller) -> Caller:
    for number, (name, status) in enumerate(
        [("beta", "Completed"), ("alpha", "InProgress"), ("Gamma-1", "Failed"), ("delta", "Completed")]
    ):
        caller.now += number
        run = register(caller, name)
        progress(caller, run, status)
    caller.now += 100
    return caller


def names(caller: Caller, **request) -> list[str]:
    return [j["TrainingJobName"] for j in caller(list_training_jobs, **request)["TrainingJobSummaries"]]


def test_jobs_are_listed_in_any_order(jobs: Caller):
    assert names(jobs) == ["beta", "alpha", "Gamma-1", "delta"]
    assert names(jobs, SortOrder="Descending") == ["delta", "Gamma-1", "alpha", "beta"]
    assert names(jobs, SortBy="Name") == ["Gamma-1", "alpha", "beta", "delta"]
    assert names(jobs, SortBy="Name", SortOrder="Descending") == ["delta", "beta", "alpha", "Gamma-1"]
    assert names(jobs, SortBy="Status") == ["beta", "delta", "Gamma-1", "alpha"]
    [first, *_] = jobs(list_training_jobs)["TrainingJobSummaries"]
    assert first["TrainingJobStatus"] == first["SecondaryStatus"] == "Completed"
    assert first["TrainingEndTime"] >= first["CreationTime"]


def test_jobs_are_filtered(jobs: Caller):
    created = {j["TrainingJobName"]: j["CreationTime"] for j in jobs(list_training_jobs)["TrainingJobSummaries"]}
    assert names(jobs, NameContains="eta") == ["beta"]
    assert names(jobs, NameContains="-1") == ["Gamma-1"]
    assert names(jobs, NameContains="GAMMA") == ["Gamma-1"]
    assert names(jobs, NameContains="%") == names(jobs, NameContains="a" * 100_000) == []
    assert names(jobs, StatusEquals="Completed") == ["beta", "delta"]
    assert names(jobs, StatusEquals="Stopping") == []
    assert names(jobs, CreationTimeAfter=created["alpha"]) == ["Gamma-1", "delta"]
    assert names(jobs, CreationTimeBefore=created["alpha"]) == ["beta"]
    assert names(jobs, LastModifiedTimeAfter=created["Gamma-1"]) == ["delta"]
    assert names(jobs, LastModifiedTimeBefore=created["Gamma-1"]) == ["beta", "alpha"]
    assert names(jobs, WarmPoolStatusEquals="InUse") == []


@pytest.mark.parametrize("order", ["Ascending", "Descending"])
def test_pages_of_jobs_join_though_jobs_are_added(jobs: Caller, order):
    whole = names(jobs, SortOrder=order)
    found, token = [], {}
    while True:
        page = jobs(list_training_jobs, MaxResults=1, SortOrder=order, **token)
        found += [j["TrainingJobName"] for j in page["TrainingJobSummaries"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
        jobs.now += 10
        register(jobs, f"new-{len(found)}")
    assert found == whole
    assert jobs.refused(list_training_jobs, NextToken="x")[0] == "ValidationException"
    assert jobs.refused(list_training_jobs, SortBy="Name", **token)[0] == "ValidationException"


def test_ten_jobs_make_a_page(caller: Caller):
    for number in range(11):
        register(caller, f"j{number}")
    page = caller(list_training_jobs)
    assert len(page["TrainingJobSummaries"]) == 10
    assert "NextToken" in page
    assert "NextToken" not in caller(list_training_jobs, MaxResults=11)
