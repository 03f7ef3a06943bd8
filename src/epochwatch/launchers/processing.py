"""Processing jobs: their inputs and outputs, each at a local path of its own. Pure."""

from dataclasses import dataclass
from typing import Any, Final

from epochwatch.launchers.contract import ML
from epochwatch.launchers.plan import Plan

CONTINUOUS: Final = "Continuous"


@dataclass(frozen=True)
class ProcessingOutput:
    """A folder of the container, and where its files go."""

    folder: str
    """Relative to ``/opt/ml``."""
    uri: str
    continuous: bool
    """Whether files are sent while the job runs."""


def inputs(plan: Plan) -> list[tuple[str, dict[str, Any]]]:
    """Each input as the folder it belongs in, relative to ``/opt/ml``, and a channel named after its last part.

    Raises ValueError with the failure reason.
    """
    found = []
    for entry in plan.request.get("ProcessingInputs") or []:
        source = entry.get("S3Input")
        if source is None:
            raise ValueError(f"ClientError: input {entry['InputName']}: only S3Input is available here")
        if source.get("S3InputMode", "File") != "File":
            raise ValueError(f"ClientError: input {entry['InputName']}: S3InputMode must be File here")
        folder, _, name = _relative(source["LocalPath"]).rpartition("/")
        data = {
            "S3DataType": source.get("S3DataType", "S3Prefix"),
            "S3Uri": source["S3Uri"],
            "S3DataDistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        }
        found.append((folder, {"ChannelName": name, "DataSource": {"S3DataSource": data}}))
    return found


def outputs(plan: Plan) -> list[ProcessingOutput]:
    """Raises ValueError with the failure reason."""
    configuration = plan.request.get("ProcessingOutputConfig") or {}
    found = []
    for entry in configuration.get("Outputs") or []:
        target = entry.get("S3Output")
        if target is None:
            raise ValueError(f"ClientError: output {entry['OutputName']}: only S3Output is available here")
        continuous = target.get("S3UploadMode") == CONTINUOUS
        found.append(ProcessingOutput(_relative(target["LocalPath"]), target["S3Uri"], continuous))
    return found


def configuration(plan: Plan) -> dict[str, Any]:
    """``/opt/ml/config/processingjobconfig.json``."""
    return {**plan.request, "ProcessingJobName": plan.job, "ProcessingJobArn": plan.arn}


def _relative(path: str) -> str:
    inside = path.rstrip("/")
    if not inside.startswith(f"{ML}/") or ".." in inside.split("/"):
        raise ValueError(f"ClientError: LocalPath must be below {ML}/processing, not {path}")
    return inside[len(ML) + 1 :]
