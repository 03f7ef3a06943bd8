"""What tuning jobs do by themselves: launch trainings, give up those that fall behind, and end."""

import hashlib
import logging
from collections.abc import Sequence
from typing import Any, Final

from epochwatch.model.aws_error import AwsError
from epochwatch.model.hyperparameter_tuning import (
    CONVERGED_AFTER,
    Trial,
    falls_behind,
    halved_away,
    next_values,
    not_improving,
    reached,
    resources_of,
    space_of,
)
from epochwatch.model.job import IN_PROGRESS
from epochwatch.services.call import Call
from epochwatch.services.sagemaker.training_job_changes import start_training_job
from epochwatch.services.sagemaker.tuning_jobs import parents_of
from epochwatch.services.sagemaker.tuning_requests import most_jobs, ranges_of, training_request
from epochwatch.services.sagemaker.tuning_state import Launched, Tuning, as_record, tuning_arn
from epochwatch.store.state.resources import TUNING_JOB, Resource
from epochwatch.store.stores import Stores

logger = logging.getLogger(__name__)

ACTIVE: Final = ("InProgress", "Stopping")


def advance_tunings(stores: Stores, now: float) -> None:
    """Take every tuning job on by what is due at ``now`` (Unix seconds): to be called every few seconds, by one server
    at a time. What a crash cuts short is done by the next call.
    """
    for resource in stores.state.resources.everywhere(TUNING_JOB, ACTIVE):
        call = Call(resource.tenant, stores, "", now)
        try:
            _advance(call, Tuning(call, resource))
        except Exception:
            logger.exception("the tuning job %s could not be taken on; it is tried again", resource.name)


def _advance(call: Call, tuning: Tuning) -> None:
    if tuning.resource.status == "Stopping":
        _stop_all(call, tuning)
        if not tuning.running:
            _end(call, tuning, "Stopped")
        return
    if any(not one.made for one in tuning.launched):  # planned before a crash
        tuning = _make(call, tuning)
    if _is_as_it_was(call, tuning):
        return
    since = not_improving(list(tuning.succeeded.values()), maximize=tuning.maximize)
    converged = _has_converged(tuning, since)
    tuning = _noted(call, tuning, since, converged)
    if _is_enough(call, tuning, since, converged=converged):
        _stop_all(call, tuning)
        if not tuning.running:
            _end(call, tuning, "Completed")
        return
    _give_up(call, tuning)
    planned = _plan(call, tuning)
    if planned:
        _make(call, _with_trials(call, tuning.resource, [*tuning.launched, *planned]))
    elif not tuning.running:
        _end_of_all(call, tuning)


def _is_as_it_was(call: Call, tuning: Tuning) -> bool:
    """Whether no training has ended since the last look, none can be launched, and none is to be judged while it runs:
    then its metrics need not be read.
    """
    if len(tuning.jobs) - len(tuning.running) != tuning.resource.record.get("ended_trainings"):
        return False
    return bool(tuning.running) and not _judges(tuning) and not _room(tuning) and not _is_late(call, tuning)


def _judges(tuning: Tuning) -> bool:
    """Whether trainings may be stopped early."""
    early: str = tuning.config.get("TrainingJobEarlyStoppingType", "Off")
    strategy: str = tuning.config["Strategy"]
    return early == "Auto" or strategy == "Hyperband"


def _room(tuning: Tuning) -> int:
    """How many trainings may be launched now."""
    parallel = int(tuning.config["ResourceLimits"]["MaxParallelTrainingJobs"]) - len(tuning.running)
    left = most_jobs(tuning.config, tuning.definitions) - len(tuning.launched)
    return max(0, min(parallel, left))


def _is_late(call: Call, tuning: Tuning) -> bool:
    """Whether the tuning job's time is over."""
    seconds = tuning.config["ResourceLimits"].get("MaxRuntimeInSeconds")
    return seconds is not None and call.now - tuning.resource.created >= float(seconds)


def _has_converged(tuning: Tuning, since: int) -> bool:
    return len(tuning.succeeded) > CONVERGED_AFTER and since >= CONVERGED_AFTER


def _is_enough(call: Call, tuning: Tuning, since: int, *, converged: bool) -> bool:
    """Whether a completion criterion is met."""
    criteria = tuning.config.get("TuningJobCompletionCriteria", {})
    target = criteria.get("TargetObjectiveMetricValue")
    if target is not None and reached(tuning.succeeded.values(), target, maximize=tuning.maximize):
        return True
    patience = criteria.get("BestObjectiveNotImproving", {}).get("MaxNumberOfTrainingJobsNotImproving")
    if patience is not None and since >= patience:
        return True
    if converged and criteria.get("ConvergenceDetected", {}).get("CompleteOnConvergence") == "Enabled":
        return True
    return _is_late(call, tuning)


def _give_up(call: Call, tuning: Tuning) -> None:
    """Stop the trainings that are not worth going on with."""
    hyperband = tuning.config["Strategy"] == "Hyperband"
    candidates = [job for job in tuning.running if job.status == IN_PROGRESS and job.training_started is not None]
    if not candidates or not _judges(tuning):
        return
    curves = {name: tuning.curve(name) for name in tuning.jobs}
    for job in candidates:
        if hyperband:
            one = next(one for one in tuning.launched if one.name == job.name)
            fixed = tuning.definition(one.definition).get("StaticHyperParameters", {})
            least, most = resources_of(tuning.config, fixed)
            others = [curve for name, curve in curves.items() if name != job.name]
            hopeless = halved_away(curves[job.name], others, maximize=tuning.maximize, least=least, most=most)
        else:
            ended = [curves[name] for name in tuning.succeeded if tuning.jobs[name].status == "Completed"]
            hopeless = falls_behind(curves[job.name], ended, maximize=tuning.maximize)
        if hopeless:
            call.stores.state.jobs.stop(call.tenant, job.name, call.now)


def _plan(call: Call, tuning: Tuning) -> list[Launched]:
    """The trainings to launch now, within the limits; of several definitions, the one with the fewest comes next."""
    room = _room(tuning)
    planned: list[Launched] = []
    exhausted: set[str] = set()
    names = [definition.get("DefinitionName", "") for definition in tuning.definitions]
    several = len(names) > 1
    while len(planned) < room:
        open_names = [name for name in names if name not in exhausted]
        if not open_names:
            break
        counts = [one.definition for one in (*tuning.launched, *planned)]
        name = min(open_names, key=counts.count) if several else names[0]
        values = _next(call, tuning, name, planned)
        if values is None:
            exhausted.add(name)
            continue
        number = len(tuning.launched) + len(planned) + 1
        planned.append(Launched(_job_name(call, tuning, number), name if several else "", values, made=False))
    return planned


def _next(call: Call, tuning: Tuning, name: str, planned: Sequence[Launched]) -> dict[str, str] | None:
    definition = tuning.definition(name)
    own = name if len(tuning.definitions) > 1 else ""
    trials = tuning.trials(own)
    trials += [Trial(one.values, None, ended=False) for one in planned if one.definition == own]
    strategy = tuning.config["Strategy"]
    if strategy in ("Bayesian", "Hyperband"):
        trials = [*_earlier(call, tuning), *trials]
    found = next_values(
        strategy,
        space_of(ranges_of(tuning.config, definition)),
        trials,
        maximize=tuning.maximize,
        seed=tuning.config.get("RandomSeed", _seed(tuning)),
        count=1,
    )
    return found[0] if found else None


def _earlier(call: Call, tuning: Tuning) -> list[Trial]:
    """What the tuning jobs that this one starts from have tried: values that were tuned there, and those that were
    static there and are tuned here.
    """
    found: list[Trial] = []
    for name in parents_of(tuning.request):
        resource = call.stores.state.resources.get(call.tenant, TUNING_JOB, name)
        if resource is None:
            continue
        parent = Tuning(call, resource)
        for one in parent.launched:
            if one.name in parent.succeeded:
                fixed = parent.definition(one.definition).get("StaticHyperParameters", {})
                found.append(Trial({**fixed, **one.values}, parent.succeeded[one.name], ended=True))
    return found


def _make(call: Call, tuning: Tuning) -> Tuning:
    """Make the training jobs that are planned. One that cannot be made fails the tuning job."""
    made = []
    for one in tuning.launched:
        if not one.made:
            request = training_request(
                tuning_arn(call, tuning.resource.name),
                tuning.config,
                tuning.definition(one.definition),
                one.name,
                one.values,
            )
            try:
                start_training_job(call, request)
            except AwsError as error:
                if error.code != "ResourceInUse":  # made already, before a crash
                    _end(call, tuning, "Failed", f"The training job {one.name} could not be created: {error}")
                    return tuning
        made.append(Launched(one.name, one.definition, one.values, made=True))
    return _with_trials(call, tuning.resource, made)


def _with_trials(call: Call, resource: Resource, launched: Sequence[Launched]) -> Tuning:
    return _changed(call, resource, trials=[as_record(one) for one in launched])


def _noted(call: Call, tuning: Tuning, since: int, converged: bool) -> Tuning:
    known = tuning.resource.record
    noted: dict[str, Any] = {"not_improving": since, "ended_trainings": len(tuning.jobs) - len(tuning.running)}
    if converged:
        noted["converged"] = known.get("converged", call.now)
    if all(known.get(name) == value for name, value in noted.items()):
        return tuning
    return _changed(call, tuning.resource, **noted)


def _changed(call: Call, resource: Resource, **new: Any) -> Tuning:
    changed = call.stores.state.resources.change(
        call.tenant, TUNING_JOB, resource.name, lambda record: {**record, **new}, call.now
    )
    return Tuning(call, changed or resource)


def _stop_all(call: Call, tuning: Tuning) -> None:
    for job in tuning.running:
        call.stores.state.jobs.stop(call.tenant, job.name, call.now)


def _end_of_all(call: Call, tuning: Tuning) -> None:
    """All trainings are over: a tuning job of which none succeeded has failed."""
    if tuning.jobs and all(job.status == "Failed" for job in tuning.jobs.values()):
        reason = "All training jobs failed. Please take a look at the training jobs failures to get more details."
        _end(call, tuning, "Failed", reason)
    else:
        _end(call, tuning, "Completed")


def _end(call: Call, tuning: Tuning, status: str, reason: str = "") -> None:
    new = {"ended": call.now} | ({"failure_reason": reason[:1024]} if reason else {})
    call.stores.state.resources.change(
        call.tenant, TUNING_JOB, tuning.resource.name, lambda record: {**record, **new}, call.now, status=status
    )


def _job_name(call: Call, tuning: Tuning, number: int) -> str:
    """As SageMaker names them: ``<tuning job>-001-<8 hex digits>``; the same again for the same training."""
    own = f"{call.tenant.account}/{call.tenant.region}/{tuning.resource.name}/{tuning.resource.created}/{number}"
    return f"{tuning.resource.name}-{number:03}-{hashlib.blake2b(own.encode(), digest_size=4).hexdigest()}"


def _seed(tuning: Tuning) -> int:
    """A seed of a tuning job's own, where none is given."""
    own = f"{tuning.resource.name}/{tuning.resource.created}".encode()
    return int.from_bytes(hashlib.blake2b(own, digest_size=4).digest(), "big")
