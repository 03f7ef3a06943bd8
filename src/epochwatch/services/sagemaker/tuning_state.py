"""A tuning job's record, and how its trainings fare."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from epochwatch.model.hyperparameter_tuning import Trial, best_of
from epochwatch.model.job import TERMINAL, TRAINING, TrainingJob
from epochwatch.services.call import Call
from epochwatch.services.sagemaker.resources import arn, job_arn
from epochwatch.store.run_points import TRAINING_JOB, MetricSummary
from epochwatch.store.state.resources import TUNING_JOB, Resource


@dataclass(frozen=True, slots=True)
class Launched:
    """A training of a tuning job, as the tuning's record has it."""

    name: str
    definition: str
    """Which of several training job definitions it follows; empty where there is one."""
    values: dict[str, str]
    made: bool
    """Whether its training job was made."""


class Tuning:
    """A tuning job with its trainings, as they are at one moment."""

    def __init__(self, call: Call, resource: Resource) -> None:
        self._call = call
        self.resource = resource
        self.request: dict[str, Any] = resource.record["request"]
        self.config: dict[str, Any] = self.request["HyperParameterTuningJobConfig"]
        self.launched = [Launched(**one) for one in resource.record["trials"]]
        self.definitions: list[dict[str, Any]] = self.request.get("TrainingJobDefinitions") or [
            self.request["TrainingJobDefinition"]
        ]

    @cached_property
    def jobs(self) -> dict[str, TrainingJob]:
        """The training jobs that are there, by name."""
        names = [one.name for one in self.launched]
        found = self._call.stores.state.jobs.named(self._call.tenant, names)
        return {name: found[name] for name in names if name in found}

    @cached_property
    def running(self) -> list[TrainingJob]:
        """The training jobs that have not ended."""
        return [job for job in self.jobs.values() if job.status not in TERMINAL]

    @cached_property
    def objectives(self) -> dict[str, float]:
        """The newest value of the objective metric of each training that has one, by name, in order of launch."""
        found = self._call.stores.run_points.summaries(self._call.tenant, TRAINING_JOB, list(self.jobs))
        return {
            name: summary.final
            for one in self.launched
            for name in (one.name,)
            if (summary := _named(found.get(name, []), self.objective(one.definition)["MetricName"]))
            and np.isfinite(summary.final)
        }

    @cached_property
    def succeeded(self) -> dict[str, float]:
        """The final objectives of the trainings that have ended, without those that failed."""
        return {
            name: value for name, value in self.objectives.items() if self.objective_status(name) == "Succeeded"
        }

    @property
    def maximize(self) -> bool:
        """Whether the greatest objective is the best."""
        return bool(self.objective(self.launched[0].definition if self.launched else "")["Type"] == "Maximize")

    def definition(self, name: str) -> dict[str, Any]:
        """The training job definition of that name; the only one where there is one."""
        named = (one for one in self.definitions if one.get("DefinitionName", "") == name)
        return next(named, self.definitions[0])

    def objective(self, definition: str) -> dict[str, Any]:
        """``Type`` and ``MetricName`` of a definition's objective."""
        own = self.definition(definition).get("TuningObjective")
        found: dict[str, Any] = own or self.config["HyperParameterTuningJobObjective"]
        return found

    def objective_status(self, name: str) -> str:
        """``Succeeded``, ``Pending`` or ``Failed``."""
        job = self.jobs.get(name)
        if job is not None and job.status not in TERMINAL:
            return "Pending"
        good = job is not None and job.status != "Failed" and name in self.objectives
        return "Succeeded" if good else "Failed"

    def trials(self, definition: str) -> list[Trial]:
        """The trainings of a definition for the planner, in order of launch."""
        return [
            Trial(one.values, self.succeeded.get(one.name), self.objective_status(one.name) != "Pending")
            for one in self.launched
            if one.definition == definition
        ]

    def curve(self, name: str) -> list[float]:
        """All finite values of a training's objective metric so far, in order."""
        one = next(one for one in self.launched if one.name == name)
        metric = self.objective(one.definition)["MetricName"]
        table = self._call.stores.run_points.points(self._call.tenant, TRAINING_JOB, name, [metric])
        values = table["value"].to_numpy()
        return [float(value) for value in values[np.isfinite(values)]]

    def status_counters(self) -> dict[str, int]:
        """``TrainingJobStatusCounters``."""
        counts = Counter(job.status for job in self.jobs.values())
        return {
            "Completed": counts["Completed"],
            "InProgress": counts["InProgress"] + counts["Stopping"],
            "RetryableError": 0,
            "NonRetryableError": counts["Failed"],
            "Stopped": counts["Stopped"],
        }

    def objective_counters(self) -> dict[str, int]:
        """``ObjectiveStatusCounters``."""
        counts = Counter(self.objective_status(one.name) for one in self.launched if one.made)
        return {status: counts[status] for status in ("Succeeded", "Pending", "Failed")}

    def best(self) -> str | None:
        """The training with the best final objective."""
        return best_of(self.succeeded, maximize=self.maximize)

    def summaries(self) -> dict[str, dict[str, Any]]:
        """What ListTrainingJobsForHyperParameterTuningJob says of each training, by name, in order of launch."""
        return {
            one.name: self._summary(one, self.jobs[one.name]) for one in self.launched if one.name in self.jobs
        }

    def _summary(self, one: Launched, job: TrainingJob) -> dict[str, Any]:
        found: dict[str, Any] = {
            "TrainingJobName": job.name,
            "TrainingJobArn": job_arn(self._call, TRAINING, job.name),
            "CreationTime": job.created,
            "TrainingJobStatus": job.status,
            "TunedHyperParameters": one.values,
            "ObjectiveStatus": self.objective_status(one.name),
        }
        if one.definition:
            found["TrainingJobDefinitionName"] = one.definition
        if job.training_started is not None:
            found["TrainingStartTime"] = job.training_started
        if job.ended is not None:
            found["TrainingEndTime"] = job.ended
        if job.failure_reason:
            found["FailureReason"] = job.failure_reason
        if one.name in self.succeeded:
            found["FinalHyperParameterTuningJobObjectiveMetric"] = {
                **self.objective(one.definition),
                "Value": self.succeeded[one.name],
            }
        return found


def tuning_arn(call: Call, name: str) -> str:
    """A tuning job's ARN."""
    return arn(call, TUNING_JOB, name)


def as_record(launched: Launched) -> Mapping[str, Any]:
    """A training as the record holds it."""
    return {
        "name": launched.name,
        "definition": launched.definition,
        "values": launched.values,
        "made": launched.made,
    }


def _named(found: list[MetricSummary], metric: str) -> MetricSummary | None:
    return next((one for one in found if one.name == metric), None)
