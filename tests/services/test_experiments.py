"""Experiments, trials and trial components over real stores."""

from typing import Any

import pytest

from epochwatch.services.sagemaker import OPERATIONS
from epochwatch.services.sagemaker_metrics import batch_put_metrics
from epochwatch.store.run_points import TRAINING_JOB
from tests.services.conftest import Caller
from tests.services.points import columns
from tests.services.training import channel, tell, training


class Experiments:
    """The operations by name."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    def __call__(self, operation: str, **request: Any) -> dict[str, Any]:
        return self.caller(OPERATIONS[operation], **request)

    def refused(self, operation: str, **request: Any) -> tuple[str, str]:
        return self.caller.refused(OPERATIONS[operation], **request)


@pytest.fixture
def do(caller: Caller) -> Experiments:
    return Experiments(caller)


@pytest.fixture
def trial(do: Experiments) -> Experiments:
    """An experiment ``e`` with a trial ``t`` and a component ``c`` in it."""
    do("CreateExperiment", ExperimentName="e", Description="d", Tags=[{"Key": "k", "Value": "v"}])
    do("CreateTrial", TrialName="t", ExperimentName="e")
    do("CreateTrialComponent", TrialComponentName="c", Parameters={"lr": {"NumberValue": 0.1}})
    do("AssociateTrialComponent", TrialName="t", TrialComponentName="c")
    return do


def test_an_experiment_is_made_shown_changed_and_listed(do: Experiments):
    now, account = do.caller.now, do.caller.tenant.account
    arn = f"arn:aws:sagemaker:us-east-1:{account}:experiment/e"
    assert do("CreateExperiment", ExperimentName="e", DisplayName="E") == {"ExperimentArn": arn}
    do.caller.now += 5
    assert do("UpdateExperiment", ExperimentName="e", Description="new") == {"ExperimentArn": arn}
    expected = {
        "ExperimentName": "e",
        "ExperimentArn": arn,
        "DisplayName": "E",
        "Description": "new",
        "CreationTime": now,
        "LastModifiedTime": now + 5,
    }
    assert do("DescribeExperiment", ExperimentName="e") == expected
    assert do("ListExperiments") == {"ExperimentSummaries": [expected]}


def test_names_are_unique_and_said_so_as_the_sdk_expects(trial: Experiments):
    for operation, noun, name, more in (
        ("CreateExperiment", "Experiment", "e", {}),
        ("CreateTrial", "Trial", "t", {"ExperimentName": "e"}),
        ("CreateTrialComponent", "Trial Component", "c", {}),
    ):
        code, message = trial.refused(operation, **{noun.replace(" ", "") + "Name": name}, **more)
        assert code == "ValidationException"
        assert message.endswith(f"{noun} with name ({name}) already exists.")


def test_what_is_not_there_is_not_found(do: Experiments):
    for operation in ("DescribeExperiment", "UpdateExperiment", "DeleteExperiment"):
        assert do.refused(operation, ExperimentName="x") == ("ResourceNotFound", "Experiment 'x' does not exist.")
    for operation in ("DescribeTrial", "UpdateTrial", "DeleteTrial"):
        assert do.refused(operation, TrialName="x")[0] == "ResourceNotFound"
    for operation in ("DescribeTrialComponent", "UpdateTrialComponent", "DeleteTrialComponent"):
        assert do.refused(operation, TrialComponentName="x")[0] == "ResourceNotFound"
    assert do.refused("CreateTrial", TrialName="t", ExperimentName="x")[0] == "ResourceNotFound"
    for operation in ("AssociateTrialComponent", "DisassociateTrialComponent"):
        assert do.refused(operation, TrialName="t", TrialComponentName="c")[0] == "ResourceNotFound"


def test_what_has_parts_is_not_deleted_before_them(trial: Experiments):
    assert "has trials" in trial.refused("DeleteExperiment", ExperimentName="e")[1]
    assert "has trial components" in trial.refused("DeleteTrial", TrialName="t")[1]
    assert "is associated with" in trial.refused("DeleteTrialComponent", TrialComponentName="c")[1]
    trial("DisassociateTrialComponent", TrialName="t", TrialComponentName="c")
    trial("DeleteTrialComponent", TrialComponentName="c")
    trial("DeleteTrial", TrialName="t")
    trial("DeleteExperiment", ExperimentName="e")
    assert trial("ListExperiments") == {"ExperimentSummaries": []}


def test_a_component_is_updated_key_by_key_and_summarises_its_metrics(trial: Experiments):
    trial(
        "UpdateTrialComponent",
        TrialComponentName="c",
        Status={"PrimaryStatus": "Completed"},
        Parameters={"opt": {"StringValue": "sgd"}},
        ParametersToRemove=["lr"],
        EndTime=5.0,
    )
    for value in (1.0, 4.0, 1.0):
        data = [{"MetricName": "loss", "Timestamp": int(trial.caller.now), "Value": value}]
        trial.caller(batch_put_metrics, TrialComponentName="c", MetricData=data)
    found = trial("DescribeTrialComponent", TrialComponentName="c")
    assert (found["Parameters"], found["EndTime"]) == ({"opt": {"StringValue": "sgd"}}, 5.0)
    assert found["Status"] == {"PrimaryStatus": "Completed"}
    [metric] = found["Metrics"]
    assert (metric["MetricName"], metric["Count"], metric["Min"], metric["Max"]) == ("loss", 3, 1.0, 4.0)
    assert (metric["Last"], metric["Avg"], metric["StdDev"]) == (1.0, 2.0, pytest.approx(2**0.5))
    assert trial("DescribeTrialComponent", TrialComponentName=found["TrialComponentArn"]) == found
    wrong = {"p": {"NumberValue": 1.0, "StringValue": "1"}}
    assert "exactly one of" in trial.refused("UpdateTrialComponent", TrialComponentName="c", Parameters=wrong)[1]


def test_components_and_trials_are_listed_by_what_they_belong_to(trial: Experiments):
    trial("CreateTrialComponent", TrialComponentName="alone")

    def components(**request: Any) -> list[str]:
        found = trial("ListTrialComponents", SortBy="Name", SortOrder="Ascending", **request)
        return [one["TrialComponentName"] for one in found["TrialComponentSummaries"]]

    assert components() == ["alone", "c"]
    assert components(TrialName="t") == components(ExperimentName="e") == ["c"]
    assert components(SourceArn="arn:aws:sagemaker:x") == []
    assert trial.refused("ListTrialComponents", TrialName="t", ExperimentName="e")[0] == "ValidationException"
    for filters in ({"ExperimentName": "e"}, {"TrialComponentName": "c"}, {}):
        assert [one["TrialName"] for one in trial("ListTrials", **filters)["TrialSummaries"]] == ["t"]
    assert trial("ListTrials", TrialComponentName="alone")["TrialSummaries"] == []


def test_pages_of_experiments_join(do: Experiments):
    for number in range(5):
        do("CreateExperiment", ExperimentName=f"e{number}")
    names, token = [], {}
    while True:
        page = do("ListExperiments", MaxResults=2, **token)
        names += [one["ExperimentName"] for one in page["ExperimentSummaries"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
        do.caller.now += 10
        do("CreateExperiment", ExperimentName=f"later-{len(names)}")
    assert names == ["e4", "e3", "e2", "e1", "e0"]


def test_a_training_job_in_an_experiment_is_a_component(trial: Experiments):
    config = {"ExperimentName": "e", "TrialName": "t", "TrialComponentDisplayName": "Fit"}
    request = training(
        "job", ExperimentConfig=config, HyperParameters={"lr": "0.5", "opt": "sgd"}, InputDataConfig=[channel()]
    )
    arn = trial("CreateTrainingJob", **request)["TrainingJobArn"]
    tell(trial.caller, "Training", "Completed", artifacts="s3://bucket/model.tar.gz")
    points = columns("loss", [3.0, 1.0], trial.caller.now)
    trial.caller.stores.run_points.write(trial.caller.tenant, TRAINING_JOB, "job", points)
    found = trial("DescribeTrialComponent", TrialComponentName="job-aws-training-job")
    assert found["Source"] == {"SourceArn": arn, "SourceType": "SageMakerTrainingJob"}
    assert (found["DisplayName"], found["Status"]["PrimaryStatus"]) == ("Fit", "Completed")
    assert found["Parameters"]["lr"] == {"NumberValue": 0.5}
    assert found["Parameters"]["SageMaker.InstanceType"] == {"StringValue": "ml.m5.large"}
    assert found["InputArtifacts"]["train"] == {"Value": "s3://bucket/data"}
    assert found["OutputArtifacts"] == {"SageMaker.ModelArtifact": {"Value": "s3://bucket/model.tar.gz"}}
    assert found["Metrics"][0]["Last"] == 1.0
    listed = trial("ListTrialComponents", SourceArn=arn)["TrialComponentSummaries"]
    assert [one["TrialComponentName"] for one in listed] == ["job-aws-training-job"]
    gone = training("other", ExperimentConfig={"ExperimentName": "none"})
    assert trial.refused("CreateTrainingJob", **gone) == ("ResourceNotFound", "Experiment 'none' does not exist.")


def test_a_processing_job_in_an_experiment_is_a_component(trial: Experiments):
    arn = trial(
        "CreateProcessingJob",
        ProcessingJobName="clean",
        ProcessingResources={
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}
        },
        ProcessingInputs=[
            {"InputName": "in", "S3Input": {"S3Uri": "s3://b/in", "LocalPath": "/opt/ml/processing/in"}}
        ],
        ProcessingOutputConfig={
            "Outputs": [
                {"OutputName": "out", "S3Output": {"S3Uri": "s3://b/out", "LocalPath": "/opt/ml/processing/out"}}
            ]
        },
        AppSpecification={"ImageUri": "process"},
        ExperimentConfig={"ExperimentName": "e", "TrialName": "t"},
    )["ProcessingJobArn"]
    tell(trial.caller, "Training", "Failed", name="clean", kind="processing", failure_reason="AlgorithmError: x")
    [listed] = trial("ListTrialComponents", SourceArn=arn)["TrialComponentSummaries"]
    assert listed["TrialComponentSource"] == {"SourceArn": arn, "SourceType": "SageMakerProcessingJob"}
    found = trial("DescribeTrialComponent", TrialComponentName=listed["TrialComponentName"])
    assert (found["DisplayName"], found["Status"]["PrimaryStatus"]) == ("Processing", "Failed")
    assert found["Parameters"]["SageMaker.InstanceCount"] == {"NumberValue": 2.0}
    assert found["InputArtifacts"]["in"] == {"Value": "s3://b/in"}
    assert found["OutputArtifacts"] == {"out": {"Value": "s3://b/out"}}
    assert found["Metrics"] == []


def test_a_component_is_shown_though_its_job_is_deleted_meanwhile(
    trial: Experiments, monkeypatch: pytest.MonkeyPatch
):
    trial(
        "CreateProcessingJob",
        ProcessingJobName="clean",
        ProcessingResources={
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
        },
        AppSpecification={"ImageUri": "process"},
        ExperimentConfig={"ExperimentName": "e", "TrialName": "t"},
    )
    monkeypatch.setattr(trial.caller.stores.state.jobs, "request", lambda *_: {})
    found = trial("DescribeTrialComponent", TrialComponentName="clean-aws-processing-job")
    assert (found["Parameters"], found["InputArtifacts"], found["OutputArtifacts"]) == ({}, {}, {})


def search(do: Experiments, resource: str, *filters: tuple[str, str, str], **more: Any) -> list[dict[str, Any]]:
    conditions = [{"Name": name, "Operator": operator, "Value": value} for name, operator, value in filters]
    expression = {"SearchExpression": {"Filters": conditions}} if filters else {}
    return [next(iter(one.values())) for one in do("Search", Resource=resource, **expression, **more)["Results"]]


def test_components_are_found_by_their_parents_and_metrics(trial: Experiments):
    trial("CreateTrialComponent", TrialComponentName="alone")
    data = [{"MetricName": "loss", "Timestamp": int(trial.caller.now), "Value": 2.0}]
    trial.caller(batch_put_metrics, TrialComponentName="c", MetricData=data)
    [found] = search(trial, "ExperimentTrialComponent", ("Parents.ExperimentName", "Equals", "e"))
    assert found["Parents"] == [{"TrialName": "t", "ExperimentName": "e"}]
    assert found["Metrics"][0]["Last"] == 2.0
    [same] = search(trial, "ExperimentTrialComponent", ("Metrics.loss", "LessThan", "3"))
    assert same == found
    assert search(trial, "ExperimentTrialComponent", ("Parameters.lr", "GreaterThan", "0.2")) == []
    [experiment] = search(trial, "Experiment", ("Tags.k", "Equals", "v"))
    assert experiment["Description"] == "d"
    [one] = search(trial, "ExperimentTrial", ("TrialComponentSummaries.TrialComponentName", "Equals", "c"))
    assert one["TrialName"] == "t"


def test_training_jobs_are_found_sorted_and_paged(do: Experiments):
    for number in range(5):
        do.caller.now += 1
        do("CreateTrainingJob", **training(f"j{number}", HyperParameters={"lr": str(number / 10)}))
        points = columns("acc", [number / 10], do.caller.now)
        do.caller.stores.run_points.write(do.caller.tenant, TRAINING_JOB, f"j{number}", points)

    def names(*filters: tuple[str, str, str], **more: Any) -> list[str]:
        return [job["TrainingJobName"] for job in search(do, "TrainingJob", *filters, **more)]

    assert names() == ["j4", "j3", "j2", "j1", "j0"]
    assert names(("Metrics.acc", "GreaterThan", "0.15"), SortBy="Metrics.acc", SortOrder="Ascending") == [
        "j2", "j3", "j4",
    ]  # fmt: skip
    assert names(("HyperParameters.lr", "LessThan", "0.15")) == ["j1", "j0"]
    [first] = search(do, "TrainingJob", ("TrainingJobName", "Equals", "j3"))
    assert first["FinalMetricDataList"][0]["Value"] == pytest.approx(0.3)
    pages, token = [], {}
    while True:
        page = do("Search", Resource="TrainingJob", MaxResults=2, **token)
        assert page["TotalHits"] == {"Value": 5, "Relation": "EqualTo"}
        pages.append([one["TrainingJob"]["TrainingJobName"] for one in page["Results"]])
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert pages == [["j4", "j3"], ["j2", "j1"], ["j0"]]
    assert search(do, "Endpoint") == []
    unknown = {"Filters": [{"Name": "Colour", "Value": "red"}]}
    assert do.refused("Search", Resource="TrainingJob", SearchExpression=unknown) == (
        "ValidationException",
        "Unknown property name: Colour",
    )
