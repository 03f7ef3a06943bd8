"""What a host finds under /opt/ml, and in its environment."""

from typing import Any

import pytest

from epochwatch.launchers.contract import environment, input_data_config, resource_config
from epochwatch.launchers.instances import gpus_of
from epochwatch.launchers.plan import JobHost, LocalImage, Plan, hosts_of

KEY = {"access_key_id": "AKID", "secret_access_key": "secret"}


def plan(**request: Any) -> Plan:
    return Plan(
        account="123456789012",
        region="eu-west-1",
        job="job",
        arn="arn:aws:sagemaker:eu-west-1:123456789012:training-job/job",
        created=0.0,
        request=request,
        image=LocalImage("process"),
        hosts=hosts_of(request),
        endpoint="http://127.0.0.1:4600",
        s3_endpoint="http://127.0.0.1:4600",
        home="/home",
    )


def test_hosts_are_numbered_over_all_groups() -> None:
    groups = [
        {"InstanceGroupName": "workers", "InstanceType": "ml.g5.xlarge", "InstanceCount": 2},
        {"InstanceGroupName": "data", "InstanceType": "ml.c5.large", "InstanceCount": 1},
    ]
    hosts = hosts_of({"ResourceConfig": {"InstanceGroups": groups}})

    assert [(host.name, host.group, host.instance_type) for host in hosts] == [
        ("algo-1", "workers", "ml.g5.xlarge"),
        ("algo-2", "workers", "ml.g5.xlarge"),
        ("algo-3", "data", "ml.c5.large"),
    ]
    assert resource_config(hosts, hosts[2], "eth0") == {
        "current_host": "algo-3",
        "current_instance_type": "ml.c5.large",
        "current_group_name": "data",
        "hosts": ["algo-1", "algo-2", "algo-3"],
        "instance_groups": [
            {"instance_group_name": "workers", "instance_type": "ml.g5.xlarge", "hosts": ["algo-1", "algo-2"]},
            {"instance_group_name": "data", "instance_type": "ml.c5.large", "hosts": ["algo-3"]},
        ],
        "network_interface_name": "eth0",
    }


def test_ten_hosts_are_sorted_as_text() -> None:
    hosts = hosts_of({"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 11}})

    assert resource_config(hosts, hosts[0], "lo")["hosts"][:3] == ["algo-1", "algo-10", "algo-11"]


def test_each_channel_says_how_it_comes() -> None:
    source = {
        "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/p", "S3DataDistributionType": "ShardedByS3Key"}
    }
    channels = [
        {"ChannelName": "train", "DataSource": source, "ContentType": "text/csv"},
        {"ChannelName": "test", "InputMode": "Pipe", "RecordWrapperType": "RecordIO", "DataSource": {}},
    ]

    found = input_data_config(
        plan(InputDataConfig=channels, AlgorithmSpecification={"TrainingInputMode": "FastFile"})
    )

    assert found == {
        "train": {
            "TrainingInputMode": "FastFile",
            "S3DistributionType": "ShardedByS3Key",
            "RecordWrapperType": "None",
            "ContentType": "text/csv",
        },
        "test": {
            "TrainingInputMode": "Pipe",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "RecordIO",
        },
    }


def test_of_the_machines_variables_only_what_programs_need_comes_along() -> None:
    machine = {"PATH": "/bin", "HOME": "/root", "EPOCHWATCH_HOME": "/x", "AWS_PROFILE": "mine", "SECRET": "s"}
    host = JobHost("algo-1", "ml.g5.xlarge", gpus=["1", "3"])

    found = environment(plan(Environment={"A": "1", "AWS_REGION": "elsewhere"}), host, KEY, machine)

    assert {"PATH", "HOME"} <= set(found)
    assert not {"EPOCHWATCH_HOME", "AWS_PROFILE", "SECRET"} & set(found)
    assert found["CUDA_VISIBLE_DEVICES"] == "1,3"
    assert (found["A"], found["AWS_REGION"], found["AWS_ACCESS_KEY_ID"]) == ("1", "elsewhere", "AKID")
    assert found["AWS_ENDPOINT_URL_S3"] == "http://127.0.0.1:4600"


@pytest.mark.parametrize(
    ("instance", "gpus"),
    [
        ("ml.m5.large", 0), ("local", 0), ("ml.p3.2xlarge", 1), ("ml.p3.8xlarge", 4), ("ml.p3dn.24xlarge", 8),
        ("ml.p4d.24xlarge", 8), ("ml.p5.48xlarge", 8), ("ml.p5.4xlarge", 1), ("ml.p5en.48xlarge", 8),
        ("ml.g4dn.xlarge", 1), ("ml.g4dn.12xlarge", 4), ("ml.g5.48xlarge", 8), ("ml.g6e.2xlarge", 1),
        ("ml.trn1.32xlarge", 0),
    ],
)  # fmt: skip
def test_gpus_of_instance_types(instance: str, gpus: int) -> None:
    assert gpus_of(instance) == gpus


def test_limits_of_the_request() -> None:
    spot = plan(
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 90}, EnableManagedSpotTraining=True
    )
    assert (spot.max_runtime, spot.max_wait) == (60, 90)
    assert (plan().max_runtime, plan().max_wait) == (86_400, None)
    assert plan(CheckpointConfig={"S3Uri": "s3://b/c"}).checkpoints == ("s3://b/c", "/opt/ml/checkpoints")
