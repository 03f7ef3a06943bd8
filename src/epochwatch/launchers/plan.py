"""What a job is to do, as its runner reads it: the request, the image's meaning here, and where the server is."""

from typing import Any, Final

import msgspec

from epochwatch.model.batch import Definition
from epochwatch.model.debug_rules import TENSORS, tensors_of
from epochwatch.model.launch import TRAINING
from epochwatch.model.tenant import Tenant

LONGEST_RUNTIME_SECONDS: Final = 86_400
"""MaxRuntimeInSeconds where the request leaves it out."""


class LocalImage(msgspec.Struct, omit_defaults=True):
    """What stands for a training image here."""

    name: str
    """As the request has it."""
    launcher: str = "process"
    python: str = ""
    """The interpreter whose environment has the framework; its ``bin`` comes first on the path."""
    command: list[str] = []
    """What runs where the request has neither an entry point nor a program."""
    environment: dict[str, str] = {}
    framework: str = ""
    algorithm: str = ""
    """The built-in algorithm that runs where the request has neither an entry point nor a program."""
    container: str = ""
    """The image a container runtime is to run."""
    options: list[str] = []
    """Further words for the container runtime, or for sbatch."""


class JobHost(msgspec.Struct, omit_defaults=True):
    """One host of a job."""

    name: str
    instance_type: str
    group: str = "homogeneousCluster"
    gpus: list[str] = []
    """Devices that it may use, as CUDA_VISIBLE_DEVICES names them."""


class Plan(msgspec.Struct, omit_defaults=True):
    """``plan.json`` of a job's directory."""

    account: str
    region: str
    job: str
    arn: str
    created: float
    """Unix seconds; tells a job from an earlier one of its name."""
    request: dict[str, Any]
    """The operation's input; timestamps as Unix seconds."""
    image: LocalImage
    hosts: list[JobHost]
    endpoint: str
    s3_endpoint: str
    home: str
    """The server's data directory: environments are kept there."""
    kind: str = TRAINING
    definitions: list[Definition] = []
    grace_seconds: float = 120.0
    """Between SIGTERM and SIGKILL."""

    @property
    def tenant(self) -> Tenant:
        """Whose job it is."""
        return Tenant(self.account, self.region)

    @property
    def application(self) -> dict[str, Any]:
        """Image, entry point and arguments."""
        return dict(self.request.get("AlgorithmSpecification") or self.request.get("AppSpecification") or {})

    @property
    def max_runtime(self) -> int:
        """Seconds the training may run."""
        condition = self.request.get("StoppingCondition") or {}
        return int(condition.get("MaxRuntimeInSeconds") or LONGEST_RUNTIME_SECONDS)

    @property
    def max_wait(self) -> int | None:
        """Seconds from the job's creation to its end, interruptions included; None without a limit."""
        condition = self.request.get("StoppingCondition") or {}
        found = condition.get("MaxWaitTimeInSeconds")
        return int(found) if found and self.request.get("EnableManagedSpotTraining") else None

    @property
    def checkpoints(self) -> tuple[str, str] | None:
        """S3 URI and local path; None without."""
        found = self.request.get("CheckpointConfig")
        return (found["S3Uri"], found.get("LocalPath") or "/opt/ml/checkpoints") if found else None

    @property
    def tensors(self) -> tuple[str, str] | None:
        """S3 URI and local path; None where none are saved."""
        hook = self.request.get("DebugHookConfig")
        return (tensors_of(self.job, self.request), hook.get("LocalPath") or TENSORS) if hook else None

    @property
    def hyperparameters(self) -> dict[str, str]:
        """As the request has them."""
        return dict(self.request.get("HyperParameters") or {})


def hosts_of(request: dict[str, Any]) -> list[JobHost]:
    """The hosts a request asks for: ``algo-1`` to ``algo-n``, by instance group where it has groups."""
    cluster = (request.get("ProcessingResources") or {}).get("ClusterConfig")
    resources = request.get("ResourceConfig") or cluster or {}
    groups = resources.get("InstanceGroups") or [
        {
            "InstanceGroupName": "homogeneousCluster",
            "InstanceType": resources.get("InstanceType", "local"),
            "InstanceCount": resources.get("InstanceCount") or 1,
        }
    ]
    hosts: list[JobHost] = []
    for group in groups:
        for _ in range(int(group["InstanceCount"])):
            name = f"algo-{len(hosts) + 1}"
            hosts.append(JobHost(name, group["InstanceType"], group["InstanceGroupName"]))
    return hosts
