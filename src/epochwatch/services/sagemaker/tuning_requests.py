"""Requests for tuning jobs: what they must keep to, and the training jobs they ask for."""

from collections.abc import Mapping
from typing import Any, Final

from epochwatch.model.hyperparameter_tuning import InvalidTuning, grid_size, resources_of, space_of
from epochwatch.services.sagemaker.job_specification import definitions_of
from epochwatch.services.sagemaker.resources import invalid
from epochwatch.services.sagemaker.training_job_changes import completed_training_request

MOST_TUNED: Final = 30
MOST_HYPERPARAMETERS: Final = 100
OBJECTIVE_KEY: Final = "_tuning_objective_metric"
OBJECTIVE_METRIC: Final = "ObjectiveMetric"
"""The metric by which the values of the objective are to be found, whatever it is called."""
_COPIED: Final = (
    "RoleArn",
    "InputDataConfig",
    "VpcConfig",
    "OutputDataConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "RetryStrategy",
    "Environment",
)

Request = Mapping[str, Any]


def require_tuning(request: Request) -> None:
    """Raises AwsError for a tuning job that cannot be."""
    config = request["HyperParameterTuningJobConfig"]
    single, several = request.get("TrainingJobDefinition"), request.get("TrainingJobDefinitions")
    if (single is None) == (several is None):
        raise invalid("You must specify exactly one of TrainingJobDefinition and TrainingJobDefinitions.")
    if several is not None:
        _require_named(several)
    try:
        for definition in several or [single]:
            _require_definition(config, definition, alone=single is not None)
    except InvalidTuning as error:
        raise invalid(str(error)) from error
    strategy, limits = config["Strategy"], config["ResourceLimits"]
    if strategy != "Grid" and "MaxNumberOfTrainingJobs" not in limits:
        raise invalid(f"MaxNumberOfTrainingJobs is required in ResourceLimits for the strategy {strategy}.")
    if strategy == "Hyperband" and config.get("TrainingJobEarlyStoppingType", "Off") != "Off":
        raise invalid(
            "TrainingJobEarlyStoppingType must be Off for the strategy Hyperband, which stops by itself."
        )
    if strategy != "Hyperband" and "StrategyConfig" in config:
        raise invalid("StrategyConfig is only supported for the strategy Hyperband.")


def completed_tuning_request(request: Request) -> dict[str, Any]:
    """The request with what the service adds to it: among the static hyperparameters, which metric is the objective;
    and the resources of a training, by which the SDK makes an estimator again.
    """
    config = request["HyperParameterTuningJobConfig"]

    def completed(definition: Request) -> dict[str, Any]:
        objective = definition.get("TuningObjective") or config["HyperParameterTuningJobObjective"]
        fixed = {**definition.get("StaticHyperParameters", {}), OBJECTIVE_KEY: objective["MetricName"]}
        return {**definition, "StaticHyperParameters": fixed, "ResourceConfig": _resources(definition)}

    new = dict(request)
    if "TrainingJobDefinition" in request:
        new["TrainingJobDefinition"] = completed(request["TrainingJobDefinition"])
    if "TrainingJobDefinitions" in request:
        new["TrainingJobDefinitions"] = [completed(one) for one in request["TrainingJobDefinitions"]]
    return new


def ranges_of(config: Request, definition: Request) -> Request:
    """The ranges of a definition."""
    found: Request = definition.get("HyperParameterRanges") or config.get("ParameterRanges") or {}
    return found


def most_jobs(config: Request, definitions: list[dict[str, Any]]) -> int:
    """How many trainings a tuning job has at most: of a grid, no more than combinations."""
    limit = config["ResourceLimits"].get("MaxNumberOfTrainingJobs")
    if config["Strategy"] != "Grid":
        return int(limit)
    size = sum(grid_size(space_of(ranges_of(config, definition))) for definition in definitions)
    return size if limit is None else min(size, int(limit))


def training_request(
    tuning_arn: str, config: Request, definition: Request, name: str, values: Mapping[str, str]
) -> dict[str, Any]:
    """The request for one training of a tuning job."""
    objective = definition.get("TuningObjective") or config["HyperParameterTuningJobObjective"]
    specification = dict(definition["AlgorithmSpecification"])
    given = specification.get("MetricDefinitions", [])
    regex = next((one["Regex"] for one in given if one["Name"] == objective["MetricName"]), None)
    if regex is not None and len(given) < 40 and all(one["Name"] != OBJECTIVE_METRIC for one in given):
        specification["MetricDefinitions"] = [*given, {"Name": OBJECTIVE_METRIC, "Regex": regex}]
    return {
        "TrainingJobName": name,
        "TuningJobArn": tuning_arn,
        "AlgorithmSpecification": specification,
        "HyperParameters": {**definition.get("StaticHyperParameters", {}), **values},
        "ResourceConfig": _resources(definition),
        **{member: definition[member] for member in _COPIED if member in definition},
    }


def _require_named(definitions: list[dict[str, Any]]) -> None:
    names = [definition.get("DefinitionName") for definition in definitions]
    if None in names or len(set(names)) < len(names):
        raise invalid("Each of TrainingJobDefinitions needs a DefinitionName of its own.")


def _require_definition(config: Request, definition: Request, *, alone: bool) -> None:
    objective = definition.get("TuningObjective") or (
        config.get("HyperParameterTuningJobObjective") if alone else None
    )
    if objective is None:
        member = "HyperParameterTuningJobObjective" if alone else "TuningObjective"
        raise InvalidTuning(f"{member} is required.")
    space = space_of(ranges_of(config, definition))
    if not space:
        raise InvalidTuning("At least one hyperparameter must have a range.")
    if len(space) > MOST_TUNED:
        raise InvalidTuning(f"At most {MOST_TUNED} hyperparameters can be tuned, not {len(space)}.")
    fixed = definition.get("StaticHyperParameters", {})
    if len(fixed) + len(space) >= MOST_HYPERPARAMETERS:
        raise InvalidTuning(
            f"Static and tuned hyperparameters can be at most {MOST_HYPERPARAMETERS}, with that which names the"
            " objective."
        )
    both = next((one.name for one in space if one.name in fixed), None)
    if both is not None:
        raise InvalidTuning(f"The hyperparameter {both} is both static and tuned.")
    if config["Strategy"] == "Grid":
        grid_size(space)
    if config["Strategy"] == "Hyperband":
        resources_of(config, fixed)
    sample = training_request("", config, definition, "sample", {})
    completed_training_request(sample)
    names = [one.name for one in definitions_of(sample["AlgorithmSpecification"], sample["HyperParameters"])]
    if objective["MetricName"] not in names:
        raise InvalidTuning(
            "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric"
            " definitions."
        )


def _resources(definition: Request) -> dict[str, Any]:
    if "ResourceConfig" in definition:
        return dict(definition["ResourceConfig"])
    flexible = definition.get("HyperParameterTuningResourceConfig", {})
    members = ("InstanceType", "InstanceCount", "VolumeSizeInGB", "VolumeKmsKeyId")
    found = {member: flexible[member] for member in members if member in flexible}
    return {**found, **(flexible.get("InstanceConfigs") or [{}])[0]}
