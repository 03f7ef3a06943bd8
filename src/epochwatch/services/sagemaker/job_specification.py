"""What a request for a training job must keep to, beyond the shapes of the service model."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from epochwatch.errors import UsageError
from epochwatch.extraction.algorithms import preset_of_image
from epochwatch.extraction.definitions import validate
from epochwatch.extraction.presets import preset
from epochwatch.model.batch import Definition
from epochwatch.services.sagemaker.resources import invalid

DEFAULT_RUNTIME_SECONDS: Final = 86400
LONGEST_RUNTIME_SECONDS: Final = 28 * 86400
CHECKPOINTS: Final = "/opt/ml/checkpoints"
_SOURCES: Final = ("S3DataSource", "FileSystemDataSource", "DatasetSource")

Request = Mapping[str, Any]


def require_algorithm(specification: Request) -> None:
    """Raises AwsError for an algorithm that is given twice or not at all, and for a command without an image."""
    image, name = specification.get("TrainingImage"), specification.get("AlgorithmName")
    if (image is None) == (name is None):
        raise invalid("You must specify exactly one of TrainingImage and AlgorithmName in AlgorithmSpecification.")
    for member in ("ContainerEntrypoint", "ContainerArguments", "TrainingImageConfig"):
        if image is None and member in specification:
            raise invalid(f"{member} is only supported together with TrainingImage.")


def require_channels(channels: Sequence[Request], groups: Sequence[str]) -> None:
    """Raises AwsError for channels of one name, without exactly one source, or of unknown instance groups."""
    names = [channel["ChannelName"] for channel in channels]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise invalid(f"Channel names must be unique. The channel name {twice} is given more than once.")
    for channel in channels:
        name, source = channel["ChannelName"], channel["DataSource"]
        if sum(kind in source for kind in _SOURCES) != 1:
            raise invalid(f"DataSource of channel {name} must have exactly one of {', '.join(_SOURCES)}.")
        s3 = source.get("S3DataSource", {})
        if s3.get("S3DataType") == "AugmentedManifestFile" and not s3.get("AttributeNames"):
            raise invalid(f"AttributeNames of channel {name} are required for an AugmentedManifestFile.")
        unknown = [group for group in s3.get("InstanceGroupNames", []) if group not in groups]
        if unknown:
            raise invalid(f"Channel {name} names the instance group {unknown[0]}, which ResourceConfig has not.")


def require_resources(resources: Request) -> None:
    """Raises AwsError for instances that are given in two ways, or not at all."""
    groups = resources.get("InstanceGroups")
    single = [name for name in ("InstanceType", "InstanceCount") if name in resources]
    if resources.get("InstancePreferences"):
        if groups or "InstanceType" in resources:
            raise invalid("InstancePreferences cannot be given together with InstanceType or InstanceGroups.")
        return
    if groups:
        if single:
            raise invalid(f"{single[0]} cannot be given together with InstanceGroups in ResourceConfig.")
        names = [group["InstanceGroupName"] for group in groups]
        if len(set(names)) < len(names):
            raise invalid("Instance group names must be unique.")
        counts = [group["InstanceCount"] for group in groups]
    else:
        for name in ("InstanceType", "InstanceCount"):
            if name not in resources:
                raise invalid(f"{name} is required in ResourceConfig, unless InstanceGroups are given.")
        counts = [resources["InstanceCount"]]
    if any(count < 1 for count in counts):
        raise invalid("InstanceCount in ResourceConfig must be greater than or equal to 1.")


def instance_count(resources: Request) -> int:
    """How many hosts a job has."""
    groups = resources.get("InstanceGroups")
    if groups:
        return sum(group["InstanceCount"] for group in groups)
    preferred = (resources.get("InstancePreferences") or [{}])[0].get("InstanceCount")
    return int(resources.get("InstanceCount") or preferred or 1)


def stopping_condition(condition: Request, *, spot: bool) -> dict[str, Any]:
    """The condition with its default. Raises AwsError for times that do not fit together."""
    runtime = condition.get("MaxRuntimeInSeconds", DEFAULT_RUNTIME_SECONDS)
    wait = condition.get("MaxWaitTimeInSeconds")
    if runtime > LONGEST_RUNTIME_SECONDS:
        raise invalid(
            f"MaxRuntimeInSeconds {runtime} exceeds the longest supported runtime of {LONGEST_RUNTIME_SECONDS}"
            " seconds."
        )
    if wait is not None and not spot:
        raise invalid(
            "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true"
        )
    if spot and (wait is None or wait < runtime):
        raise invalid(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"
        )
    return {**condition, "MaxRuntimeInSeconds": runtime}


def definitions_of(specification: Request, hyperparameters: Mapping[str, str]) -> list[Definition]:
    """The metric definitions in force: those given, else those of the built-in algorithm whose image is asked for.

    Raises AwsError for one that cannot be used, and for definitions of a built-in algorithm, which has its own. An
    image that runs the caller's own script or command is none in this sense.
    """
    given = specification.get("MetricDefinitions") or []
    builtin = preset_of_image(specification.get("TrainingImage") or "")
    own = "sagemaker_program" in hyperparameters or "ContainerEntrypoint" in specification
    if given and builtin and not own:
        raise invalid(
            "You can't override the metric definitions for Amazon SageMaker algorithms. Please retry the request"
            " without specifying metric definitions."
        )
    if not given and builtin and "ContainerEntrypoint" not in specification:
        return _preset(builtin)
    try:
        return [validate(Definition(entry["Name"], entry["Regex"], "api")) for entry in given]
    except UsageError as error:
        raise invalid(f"Invalid metric definition: {error}") from error


def _preset(name: str) -> list[Definition]:
    try:
        return preset(name)
    except UsageError:  # an algorithm that reports no metrics
        return []
