"""Training jobs made through SageMaker's API, over real stores."""

import copy
from pathlib import Path
from typing import Any

import pytest

from epochwatch.model.batch import Registration
from epochwatch.model.host_rows import Column, HostMinute, Layout, Row
from epochwatch.model.profile_file import ProfileFile
from epochwatch.profiler.phases import Phase
from epochwatch.profiler.store.rows import Header
from epochwatch.profiler.store.writer import EventWriter
from epochwatch.services.sagemaker.job_list import list_training_jobs
from epochwatch.services.sagemaker.training_job import describe_training_job
from epochwatch.services.sagemaker.training_job_changes import (
    create_training_job,
    delete_training_job,
    stop_training_job,
    update_training_job,
)
from epochwatch.store.host_samples import HostPlace, keep_minute, read_samples
from epochwatch.store.profiles import keep_profile_file
from epochwatch.store.run_points import TRAINING_JOB
from tests.services.conftest import Caller
from tests.services.points import columns
from tests.services.training import IMAGE, channel, tell, training


def describe(caller: Caller, name: str = "job") -> dict[str, Any]:
    return caller(describe_training_job, TrainingJobName=name)


def create(caller: Caller, name: str = "job", **more: Any) -> dict[str, Any]:
    return caller(create_training_job, **training(name, **more))


def refusal(caller: Caller, **more: Any) -> str:
    """Why CreateTrainingJob refuses; nothing is made then."""
    code, message = caller.refused(create_training_job, **training(**more))
    assert code == "ValidationException"
    assert caller.stores.state.jobs.get(caller.tenant, "job") is None
    return message


def specification(**more: Any) -> dict[str, Any]:
    return {"TrainingImage": IMAGE, "TrainingInputMode": "File"} | more


def test_a_job_waits_and_shows_all_it_was_asked_for_with(caller: Caller):
    asked = {
        "AlgorithmSpecification": specification(
            MetricDefinitions=[{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
            ContainerEntrypoint=["python", "train.py"],
        ),
        "HyperParameters": {"lr": "0.1"},
        "InputDataConfig": [channel(), channel("test")],
        "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
        "EnableNetworkIsolation": True,
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120},
        "CheckpointConfig": {"S3Uri": "s3://bucket/checkpoints"},
        "DebugHookConfig": {"S3OutputPath": "s3://bucket/debug", "CollectionConfigurations": []},
        "ProfilerConfig": {"S3OutputPath": "s3://bucket/profile", "DisableProfiler": False},
        "TensorBoardOutputConfig": {"S3OutputPath": "s3://bucket/tensorboard"},
        "Environment": {"A": "b"},
        "RetryStrategy": {"MaximumRetryAttempts": 2},
        "RemoteDebugConfig": {"EnableRemoteDebug": True},
        "InfraCheckConfig": {"EnableInfraCheck": True},
    }
    arn = f"arn:aws:sagemaker:us-east-1:{caller.tenant.account}:training-job/job"
    assert create(caller, **copy.deepcopy(asked)) == {"TrainingJobArn": arn}
    found = describe(caller)
    asked["CheckpointConfig"]["LocalPath"] = "/opt/ml/checkpoints"
    asked["AlgorithmSpecification"]["EnableSageMakerMetricsTimeSeries"] = True
    expected = training(**asked) | {
        "TrainingJobArn": arn,
        "ModelArtifacts": {"S3ModelArtifacts": ""},
        "TrainingJobStatus": "InProgress",
        "SecondaryStatus": "Starting",
        "CreationTime": caller.now,
        "LastModifiedTime": caller.now,
        "SecondaryStatusTransitions": [
            {"Status": "Starting", "StartTime": caller.now, "StatusMessage": "Starting the training job"}
        ],
        "FinalMetricDataList": [],
        "EnableInterContainerTrafficEncryption": False,
        "ProfilingStatus": "Enabled",
    }
    assert found == expected


def test_a_name_is_unique(caller: Caller):
    create(caller)
    assert caller.refused(create_training_job, **training()) == (
        "ResourceInUse",
        "Training job names must be unique within an AWS account and region, and a training job with this name"
        f" already exists (arn:aws:sagemaker:us-east-1:{caller.tenant.account}:training-job/job)",
    )


def test_a_finished_job(caller: Caller):
    begun = caller.now
    create(caller)
    for status in ("Downloading", "Training", "Uploading"):
        caller.now += 10
        tell(caller, status)
    caller.now += 10
    tell(caller, "Completed", artifacts="s3://bucket/out/job/output/model.tar.gz", billable_seconds=28)
    found = describe(caller)
    assert (found["TrainingJobStatus"], found["SecondaryStatus"]) == ("Completed", "Completed")
    assert (found["TrainingStartTime"], found["TrainingEndTime"]) == (begun + 10, begun + 40)
    assert (found["TrainingTimeInSeconds"], found["BillableTimeInSeconds"]) == (30, 28)
    assert found["ModelArtifacts"] == {"S3ModelArtifacts": "s3://bucket/out/job/output/model.tar.gz"}
    assert [
        (t["Status"], t["StartTime"] - begun, t["EndTime"] - begun) for t in found["SecondaryStatusTransitions"]
    ] == [
        ("Starting", 0, 10),
        ("Downloading", 10, 20),
        ("Training", 20, 30),
        ("Uploading", 30, 40),
        ("Completed", 40, 40),
    ]


def test_a_failed_job_says_why(caller: Caller):
    create(caller)
    tell(caller, "Training", "Failed", failure_reason="AlgorithmError: no data")
    found = describe(caller)
    assert found["FailureReason"] == "AlgorithmError: no data"
    assert found["SecondaryStatusTransitions"][-1]["StatusMessage"] == "Training job failed"


def test_defaults_are_filled_in(caller: Caller):
    create(caller, StoppingCondition={})
    found = describe(caller)
    assert found["StoppingCondition"] == {"MaxRuntimeInSeconds": 86400}
    assert found["ProfilingStatus"] == "Disabled"
    assert found["AlgorithmSpecification"]["EnableSageMakerMetricsTimeSeries"] is False


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"AlgorithmSpecification": {"TrainingInputMode": "File"}},
            "exactly one of TrainingImage and AlgorithmName",
        ),
        ({"AlgorithmSpecification": specification(AlgorithmName="a")}, "exactly one of TrainingImage"),
        (
            {
                "AlgorithmSpecification": {
                    "TrainingInputMode": "File",
                    "AlgorithmName": "a",
                    "ContainerEntrypoint": ["x"],
                }
            },
            "ContainerEntrypoint is only supported together with TrainingImage",
        ),
        (
            {"AlgorithmSpecification": specification(MetricDefinitions=[{"Name": "m", "Regex": "(a"}])},
            "Invalid metric definition: the regex of metric 'm' does not compile",
        ),
        ({"InputDataConfig": [channel(), channel()]}, "Channel names must be unique"),
        (
            {"InputDataConfig": [channel(S3DataSource={}, FileSystemDataSource={})]},
            "channel train must have exactly one of",
        ),
        (
            {
                "InputDataConfig": [
                    channel(S3DataSource={"S3DataType": "AugmentedManifestFile", "S3Uri": "s3://b/m"})
                ]
            },
            "AttributeNames of channel train are required",
        ),
        (
            {
                "InputDataConfig": [
                    channel(
                        S3DataSource={"S3DataType": "S3Prefix", "S3Uri": "s3://b", "InstanceGroupNames": ["g"]}
                    )
                ]
            },
            "names the instance group g, which ResourceConfig has not",
        ),
        ({"ResourceConfig": {"VolumeSizeInGB": 1}}, "InstanceType is required"),
        (
            {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 0, "VolumeSizeInGB": 1}},
            "InstanceCount in ResourceConfig must be greater than or equal to 1",
        ),
        (
            {"ResourceConfig": {"InstanceCount": 1, "InstanceGroups": [{"InstanceGroupName": "a"}]}},
            "InstanceCount cannot be given together with InstanceGroups",
        ),
        (
            {
                "ResourceConfig": {
                    "InstanceGroups": [
                        {"InstanceGroupName": "a", "InstanceType": "ml.m5.large", "InstanceCount": 1}
                    ]
                    * 2
                }
            },
            "Instance group names must be unique",
        ),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 29 * 86400}}, "exceeds the longest supported runtime"),
        (
            {"StoppingCondition": {"MaxWaitTimeInSeconds": 10}},
            "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true",
        ),
        (
            {"EnableManagedSpotTraining": True, "StoppingCondition": {"MaxRuntimeInSeconds": 10}},
            "Invalid MaxWaitTimeInSeconds. It must be present",
        ),
        ({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}, "Tag keys must be unique"),
        ({"Tags": [{"Key": "aws:x", "Value": "1"}]}, "reserved for AWS"),
    ],
)
def test_what_does_not_fit_together_is_refused(caller: Caller, more: dict[str, Any], message: str):
    assert message in refusal(caller, **more)


@pytest.mark.parametrize("member", ["AlgorithmSpecification", "ResourceConfig", "StoppingCondition"])
def test_what_is_needed_without_serverless_is_required(caller: Caller, member: str):
    request = {name: value for name, value in training().items() if name != member}
    assert caller.refused(create_training_job, **request) == ("ValidationException", f"{member} is required.")


def test_a_builtin_algorithm_has_its_own_definitions(caller: Caller):
    image = "811284229777.dkr.ecr.us-east-1.amazonaws.com/xgboost:1"
    create(caller, AlgorithmSpecification=specification(TrainingImage=image))
    found = describe(caller)["AlgorithmSpecification"]
    assert "validation:rmse" in [definition["Name"] for definition in found["MetricDefinitions"]]
    assert found["EnableSageMakerMetricsTimeSeries"] is True
    own = [{"Name": "m", "Regex": "m=(.*)"}]
    request = training("own", AlgorithmSpecification=specification(TrainingImage=image, MetricDefinitions=own))
    _, message = caller.refused(create_training_job, **request)
    assert message.startswith("You can't override the metric definitions for Amazon SageMaker algorithms.")
    caller(create_training_job, **request | {"HyperParameters": {"sagemaker_program": "train.py"}})
    assert describe(caller, "own")["AlgorithmSpecification"]["MetricDefinitions"] == own


def test_hosts_are_counted_over_instance_groups(caller: Caller):
    groups = [
        {"InstanceGroupName": name, "InstanceType": "ml.m5.large", "InstanceCount": count}
        for name, count in (("a", 2), ("b", 3))
    ]
    create(caller, ResourceConfig={"InstanceGroups": groups, "VolumeSizeInGB": 1})
    job = caller.stores.state.jobs.get(caller.tenant, "job")
    assert job is not None
    assert job.host_count == 5


def test_a_job_that_waits_stops_at_once_and_one_that_runs_is_asked_to(caller: Caller):
    create(caller)
    caller(stop_training_job, TrainingJobName="job")
    assert describe(caller)["TrainingJobStatus"] == "Stopped"
    assert caller.refused(stop_training_job, TrainingJobName="job") == (
        "ValidationException",
        "The request was rejected because the training job is in status Stopped.",
    )
    create(caller, "running")
    launch = caller.stores.state.launches.get(caller.tenant, "running")
    assert launch is not None
    caller.stores.state.launches.started(launch, "process", {}, caller.now)
    tell(caller, "Training", name="running")
    for _ in range(2):
        caller(stop_training_job, TrainingJobName="running")
    found = describe(caller, "running")
    assert (found["TrainingJobStatus"], found["SecondaryStatus"]) == ("Stopping", "Stopping")
    assert [j["TrainingJobName"] for j in caller(list_training_jobs, StatusEquals="Stopping")[
        "TrainingJobSummaries"
    ]] == ["running"]  # fmt: skip


def test_a_run_that_was_not_created_is_stopped_where_it_runs(caller: Caller):
    run = Registration("f" * 32, "mine", started=caller.now)
    caller.stores.state.jobs.register(caller.tenant, run, caller.now)
    code, message = caller.refused(stop_training_job, TrainingJobName="mine")
    assert (code, "stop its process where it runs" in message) == ("ValidationException", True)


def test_a_run_whose_steps_are_timed_is_profiled(caller: Caller, tmp_path: Path):
    registration = Registration("f" * 32, "mine", started=caller.now)
    run = caller.stores.state.jobs.register(caller.tenant, registration, caller.now)
    assert describe(caller, "mine")["ProfilingStatus"] == "Disabled"
    writer = EventWriter(tmp_path, Header("algo-1", 0, 7))
    writer.add(Phase.STEP, round(caller.now * 1e6), 1000, 0)
    writer.flush()
    writer.close()
    (path,) = tmp_path.glob("*.ewe")
    file = ProfileFile(registration.run_id, path.name, path.read_bytes())
    keep_profile_file(caller.stores.objects, caller.tenant, run, file)
    assert describe(caller, "mine")["ProfilingStatus"] == "Enabled"


@pytest.mark.parametrize("operation", [stop_training_job, update_training_job])
def test_a_job_that_is_not_there_is_not_found(caller: Caller, operation):
    refused = caller.refused(operation, TrainingJobName="no")
    assert refused == ("ValidationException", "Requested resource not found.")


def test_profiling_changes_while_a_job_is_in_progress(caller: Caller):
    create(caller)
    change = {"TrainingJobName": "job", "ProfilerConfig": {"DisableProfiler": True}}
    assert caller(update_training_job, **change)["TrainingJobArn"].endswith(":training-job/job")
    assert describe(caller)["ProfilerConfig"] == {"DisableProfiler": True}
    assert "No updates" in caller.refused(update_training_job, TrainingJobName="job")[1]
    pool = {"TrainingJobName": "job", "ResourceConfig": {"KeepAlivePeriodInSeconds": 60}}
    assert "no warm pool" in caller.refused(update_training_job, **pool)[1]
    tell(caller, "Completed")
    assert "in status Completed" in caller.refused(update_training_job, **change)[1]


def test_what_an_update_of_the_profiler_leaves_out_stays(caller: Caller):
    create(caller, ProfilerConfig={"S3OutputPath": "s3://bucket/p", "ProfilingIntervalInMilliseconds": 100})
    caller(update_training_job, TrainingJobName="job", ProfilerConfig={"DisableProfiler": True})
    assert describe(caller)["ProfilingStatus"] == "Disabled"
    caller(update_training_job, TrainingJobName="job", ProfilerConfig={"DisableProfiler": False})
    found = describe(caller)
    assert found["ProfilingStatus"] == "Enabled"
    assert found["ProfilerConfig"] == {
        "S3OutputPath": "s3://bucket/p",
        "ProfilingIntervalInMilliseconds": 100,
        "DisableProfiler": False,
    }


@pytest.mark.parametrize("interval", [0, 99, 250, 60001])
def test_an_interval_that_the_profiler_has_not_is_refused(caller: Caller, interval: int):
    config = {"S3OutputPath": "s3://bucket/p", "ProfilingIntervalInMilliseconds": interval}
    said = "available values are 100, 200, 500, 1000, 5000, 60000 milliseconds"
    assert said in caller.refused(create_training_job, **training(ProfilerConfig=config))[1]
    create(caller)
    code, message = caller.refused(update_training_job, TrainingJobName="job", ProfilerConfig=config)
    assert (code, said in message) == ("ValidationException", True)
    assert "ProfilerConfig" not in describe(caller)


def test_a_job_that_has_ended_is_deleted_and_leaves_its_name(caller: Caller):
    create(caller)
    assert caller.refused(delete_training_job, TrainingJobName="job")[0] == "ResourceInUse"
    caller.stores.run_points.write(caller.tenant, TRAINING_JOB, "job", columns("old", [1.0], caller.now))
    tell(caller, "Training", "Completed")
    caller(delete_training_job, TrainingJobName="job")
    assert caller.refused(delete_training_job, TrainingJobName="job")[0] == "ResourceNotFound"
    create(caller)
    assert describe(caller)["FinalMetricDataList"] == []


def test_what_is_a_jobs_own_goes_with_it_and_nothing_of_others(caller: Caller):
    stores, tenant = caller.stores, caller.tenant
    for name in ("job", "job-2"):
        create(caller, name)
        stores.run_points.write(tenant, TRAINING_JOB, name, columns("loss", [1.0, 2.0], caller.now))
        layout = Layout((Column("cpu.busy", "Percent"),))
        minute = int(caller.now) // 60 * 60
        rows = layout.pack(Row(minute * 1_000_000 + 100_000, 0.1, (42.0,)))
        packed = HostMinute("ab" * 16, "a", minute, list(layout.columns), rows)
        keep_minute(stores.objects, HostPlace(tenant, "training-job", name, "algo-1"), packed)
        tell(caller, "Training", "Completed", name=name)

    caller(delete_training_job, TrainingJobName="job")

    def samples(name: str) -> int:
        place = HostPlace(tenant, "training-job", name, "algo-1")
        return len(read_samples(stores.objects, place, 0, caller.now + 60).times)

    assert stores.run_points.points(tenant, TRAINING_JOB, "job").num_rows == 0
    assert samples("job") == 0
    assert stores.run_points.points(tenant, TRAINING_JOB, "job-2").num_rows == 2
    assert samples("job-2") == 1


def pooled(caller: Caller, name: str = "job", period: int = 600, **more: Any) -> None:
    """A job that asks for a warm pool."""
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30}
    create(caller, name, ResourceConfig=resources | {"KeepAlivePeriodInSeconds": period}, **more)


def listed_pools(caller: Caller, status: str, **more: Any) -> list[str]:
    found = caller(list_training_jobs, WarmPoolStatusEquals=status, **more)["TrainingJobSummaries"]
    return [job["TrainingJobName"] for job in found]


def test_a_warm_pool_is_available_for_its_time_after_the_job(caller: Caller):
    pooled(caller)
    assert describe(caller)["WarmPoolStatus"] == {"Status": "InUse"}
    tell(caller, "Training", "Completed")
    caller.now += 60
    assert describe(caller)["WarmPoolStatus"] == {
        "Status": "Available",
        "ResourceRetainedBillableTimeInSeconds": 60,
    }
    assert listed_pools(caller, "Available") == ["job"]
    code, message = caller.refused(delete_training_job, TrainingJobName="job")
    assert (code, "warm pool in status Available" in message) == ("ResourceInUse", True)
    caller.now += 600
    over = {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 600}
    assert describe(caller)["WarmPoolStatus"] == over
    [summary] = caller(list_training_jobs)["TrainingJobSummaries"]
    assert summary["WarmPoolStatus"] == over
    caller(delete_training_job, TrainingJobName="job")


def test_the_first_job_that_asks_for_the_same_gets_the_pool(caller: Caller):
    pooled(caller)
    tell(caller, "Training", "Completed")
    caller.now += 30
    pooled(caller, "other", RoleArn="arn:aws:iam::123456789012:role/another")
    create(caller, "without")
    assert describe(caller)["WarmPoolStatus"]["Status"] == "Available"
    pooled(caller, "next", period=60)
    pooled(caller, "last")
    assert describe(caller)["WarmPoolStatus"] == {
        "Status": "Reused",
        "ResourceRetainedBillableTimeInSeconds": 30,
        "ReusedByJob": "next",
    }
    assert "WarmPoolStatus" not in describe(caller, "without")
    assert listed_pools(caller, "InUse", SortBy="Name") == ["last", "next", "other"]
    assert listed_pools(caller, "InUse", SortBy="Name", MaxResults=2) == ["last", "next"]
    caller(delete_training_job, TrainingJobName="job")


def test_pages_of_pools_follow_each_other(caller: Caller):
    for number in range(3):
        pooled(caller, f"job-{number}")
    asked = {"WarmPoolStatusEquals": "InUse", "SortBy": "Name", "MaxResults": 2}
    first = caller(list_training_jobs, **asked)
    second = caller(list_training_jobs, **asked, NextToken=first["NextToken"])
    names = [[job["TrainingJobName"] for job in page["TrainingJobSummaries"]] for page in (first, second)]
    assert (names, "NextToken" in second) == ([["job-0", "job-1"], ["job-2"]], False)


def test_the_time_of_an_available_pool_can_be_changed(caller: Caller):
    def update(period: int) -> None:
        caller(update_training_job, TrainingJobName="job", ResourceConfig={"KeepAlivePeriodInSeconds": period})

    pooled(caller)
    tell(caller, "Training", "Completed")
    update(3600)
    caller.now += 700
    assert describe(caller)["WarmPoolStatus"]["Status"] == "Available"
    assert describe(caller)["ResourceConfig"]["KeepAlivePeriodInSeconds"] == 3600
    update(0)
    caller.now += 10
    assert describe(caller)["WarmPoolStatus"] == {
        "Status": "Terminated",
        "ResourceRetainedBillableTimeInSeconds": 700,
    }
    later = {"TrainingJobName": "job", "ResourceConfig": {"KeepAlivePeriodInSeconds": 60}}
    assert "no warm pool" in caller.refused(update_training_job, **later)[1]


def test_spot_jobs_and_groups_have_no_pool(caller: Caller):
    one = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1, "KeepAlivePeriodInSeconds": 60}
    times = {"StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60}}
    assert "EnableManagedSpotTraining" in refusal(
        caller, ResourceConfig=one, EnableManagedSpotTraining=True, **times
    )
    group = {"InstanceGroupName": "a", "InstanceType": "ml.m5.large", "InstanceCount": 1}
    groups = {"InstanceGroups": [group], "VolumeSizeInGB": 1, "KeepAlivePeriodInSeconds": 60}
    assert "InstanceGroups" in refusal(caller, ResourceConfig=groups)
