"""A tuning job's trainings side by side: what was tried, what came of it, and what mattered."""

import time
import uuid
from dataclasses import asdict
from typing import Any

from epochwatch.console.requests import Asked, Refusal
from epochwatch.model.hyperparameter_tuning import Space, space_of
from epochwatch.model.parameter_importance import LEAST_TRAININGS, parameter_importance, rank_correlation
from epochwatch.services.call import Call
from epochwatch.services.sagemaker.tuning_jobs import parents_of
from epochwatch.services.sagemaker.tuning_requests import most_jobs, ranges_of
from epochwatch.services.sagemaker.tuning_state import Tuning
from epochwatch.store.state.resources import TUNING_JOB
from epochwatch.store.stores import Stores


def tuning(stores: Stores, asked: Asked) -> dict[str, Any]:
    """The answer to ``/tuning/NAME``: every training, and of each definition its parameters. Raises Refusal."""
    name = str(asked.request.path_params["name"])
    resource = stores.state.resources.get(asked.tenant, TUNING_JOB, name)
    if resource is None:
        raise Refusal(404, f"There is no tuning job '{name}'.", "See them all at /_/tuning.")
    found = Tuning(Call(asked.tenant, stores, uuid.uuid4().hex, time.time()), resource)
    return {
        "name": name,
        "most": most_jobs(found.config, found.definitions),
        "parents": parents_of(found.request),
        "definitions": [_definition(found, one.get("DefinitionName", "")) for one in found.definitions],
        "trainings": _trainings(found),
    }


def _trainings(found: Tuning) -> list[dict[str, Any]]:
    """In order of launch; ``objective`` is the newest value, also of one that still trains."""
    return [
        {
            "name": one.name,
            "definition": one.definition,
            "values": one.values,
            "status": job.status,
            "objective_status": found.objective_status(one.name),
            "objective": found.objectives.get(one.name),
            "created": job.created,
            "started": job.training_started,
            "ended": job.ended,
            "failure_reason": job.failure_reason,
        }
        for one in found.launched
        if (job := found.jobs.get(one.name)) is not None
    ]


def _definition(found: Tuning, name: str) -> dict[str, Any]:
    """One of the training job definitions: its objective, its ranges, and how much each parameter mattered.

    ``importance`` is empty where fewer than ``least`` trainings succeeded or all came out the same.
    """
    space = space_of(ranges_of(found.config, found.definition(name)))
    objective = found.objective(name)
    ours = [one for one in found.launched if one.definition == name and one.name in found.succeeded]
    values, objectives = [one.values for one in ours], [found.succeeded[one.name] for one in ours]
    maximize = objective["Type"] == "Maximize"
    return {
        "name": name,
        "objective": {"metric": objective["MetricName"], "maximize": maximize},
        "parameters": _parameters(space),
        "importance": parameter_importance(space, values, objectives, maximize=maximize),
        "correlation": rank_correlation(space, values, objectives),
        "least": LEAST_TRAININGS,
    }


def _parameters(space: Space) -> list[dict[str, Any]]:
    return [asdict(one) for one in space]
