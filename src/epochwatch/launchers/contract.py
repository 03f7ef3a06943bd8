"""What a training container finds: the files of ``/opt/ml/input/config`` and its environment. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from epochwatch.launchers.plan import JobHost, Plan
from epochwatch.model.debug_rules import TENSORS

ML: Final = "/opt/ml"
DEFAULT_MODE: Final = "File"
HOOK_CONFIG: Final = "input/config/debughookconfig.json"
PROFILER_CONFIG: Final = "input/config/profilerconfig.json"
_INHERITED: Final = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE",
    "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY",
    "NO_PROXY", "LC_ALL", "LC_CTYPE", "SLURM_JOB_ID", "SLURM_NODEID",
)  # fmt: skip
_INHERITED_FAMILIES: Final = ("CUDA_", "NVIDIA_", "PIP_", "UV_", "HF_", "XDG_", "LC_", "NCCL_", "GLOO_", "OMP_")


def hyperparameters(plan: Plan) -> dict[str, str]:
    """``hyperparameters.json``."""
    return plan.hyperparameters


def input_data_config(plan: Plan) -> dict[str, dict[str, str]]:
    """``inputdataconfig.json``: how each channel comes."""
    algorithm = plan.request.get("AlgorithmSpecification") or {}
    found = {}
    for channel in channels(plan):
        source = channel.get("DataSource") or {}
        distribution = (source.get("S3DataSource") or {}).get("S3DataDistributionType")
        entry = {
            "TrainingInputMode": channel.get("InputMode") or algorithm.get("TrainingInputMode") or DEFAULT_MODE,
            "S3DistributionType": distribution or "FullyReplicated",
            "RecordWrapperType": channel.get("RecordWrapperType") or "None",
        }
        if channel.get("ContentType"):
            entry["ContentType"] = channel["ContentType"]
        found[channel["ChannelName"]] = entry
    return found


def resource_config(hosts: Sequence[JobHost], current: JobHost, interface: str) -> dict[str, Any]:
    """``resourceconfig.json`` as ``current`` reads it."""
    groups: dict[str, dict[str, Any]] = {}
    for host in hosts:
        group = groups.setdefault(
            host.group, {"instance_group_name": host.group, "instance_type": host.instance_type, "hosts": []}
        )
        group["hosts"].append(host.name)
    return {
        "current_host": current.name,
        "current_instance_type": current.instance_type,
        "current_group_name": current.group,
        "hosts": in_order(host.name for host in hosts),
        "instance_groups": list(groups.values()),
        "network_interface_name": interface,
    }


def in_order(names: Any) -> list[str]:
    """Hosts by their text, as SageMaker sorts them: algo-1, algo-10, algo-2."""
    return sorted(names)


def training_job_config(plan: Plan) -> dict[str, Any]:
    """``trainingjobconfig.json``: the request as it was made."""
    return {**plan.request, "TrainingJobName": plan.job, "TrainingJobArn": plan.arn}


def debugger_configuration(plan: Plan) -> dict[str, Any]:
    """The files that smdebug and our hooks read, by name; only those that the job has."""
    hook, profiler = plan.request.get("DebugHookConfig"), plan.request.get("ProfilerConfig")
    found: dict[str, Any] = {}
    if hook is not None:
        found[HOOK_CONFIG] = {"LocalPath": TENSORS, **hook}
    if profiler is not None:
        found[PROFILER_CONFIG] = profiler
    return found


def channels(plan: Plan) -> list[dict[str, Any]]:
    """The request's channels."""
    return list(plan.request.get("InputDataConfig") or [])


def environment(
    plan: Plan, host: JobHost, credentials: Mapping[str, str], machine: Mapping[str, str]
) -> dict[str, str]:
    """The training's variables. Of the machine's own only those that programs need to run come along."""
    found = {
        name: value
        for name, value in machine.items()
        if name in _INHERITED or name.startswith(_INHERITED_FAMILIES)
    }
    found |= {
        "PYTHONUNBUFFERED": "1",
        f"{plan.kind.upper()}_JOB_NAME": plan.job,
        f"{plan.kind.upper()}_JOB_ARN": plan.arn,
        "AWS_REGION": plan.region,
        "AWS_DEFAULT_REGION": plan.region,
        "AWS_ACCESS_KEY_ID": credentials["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": credentials["secret_access_key"],
        "AWS_ENDPOINT_URL": plan.endpoint,
        "AWS_ENDPOINT_URL_S3": plan.s3_endpoint,
    }
    if plan.tensors is not None:
        found["EPOCHWATCH_DEBUG_CONFIG"] = f"{ML}/{HOOK_CONFIG}"
    if host.gpus:
        found["CUDA_VISIBLE_DEVICES"] = ",".join(host.gpus)
    found |= plan.image.environment
    return found | {name: str(value) for name, value in (plan.request.get("Environment") or {}).items()}
