"""Requests for training jobs, and the words of their runners."""

from typing import Any

from epochwatch.model.job import TrainingJob
from epochwatch.model.launch import JobProgress
from tests.services.conftest import Caller

ROLE = "arn:aws:iam::123456789012:role/SageMaker"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"


def training(name: str = "job", **more: Any) -> dict[str, Any]:
    """The smallest request for a training job, and ``more``."""
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    } | more


def channel(name: str = "train", **source: Any) -> dict[str, Any]:
    s3 = {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/data", "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": source or {"S3DataSource": s3}}


def tell(caller: Caller, *statuses: str, name: str = "job", kind: str = "training", **last: Any) -> TrainingJob:
    """Moves a job along as its runner does; ``last`` belongs to the last word."""
    jobs = caller.stores.state.jobs
    for number, status in enumerate(statuses, 1):
        more = {"time": caller.now} | (last if number == len(statuses) else {})
        word = JobProgress(
            caller.tenant.account,
            caller.tenant.region,
            name,
            attempt=1,
            sequence=next(caller.words),
            secondary_status=status,
            kind=kind,
            **more,
        )
        job = jobs.job_progress(caller.tenant, word, caller.now)
    return job
