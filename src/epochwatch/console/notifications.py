"""What needs attention: alarms that turned, jobs that ended, rules that found something; read from what is stored."""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from epochwatch.console.requests import Asked
from epochwatch.model.debug_rules import CONDITION_MET
from epochwatch.model.job import PROCESSING, TERMINAL, TrainingJob
from epochwatch.model.tenant import Tenant
from epochwatch.store.state.alarm_history import STATE, Item
from epochwatch.store.state.alarms import COMPOSITE, METRIC
from epochwatch.store.stores import Stores

KINDS: Final = ("alarm", "job", "rule")
DEFAULT_SECONDS: Final = 7 * 86_400
DEFAULT_LIMIT: Final = 100
MOST: Final = 500
LONGEST_DETAIL: Final = 500
_GRAVITY: Final = {
    "ALARM": "bad", "OK": "good", "INSUFFICIENT_DATA": "quiet", "Completed": "good", "Failed": "bad", "Stopped": "warn",
}  # fmt: skip
_ALARM_WORDS: Final = {"ALARM": "went off", "OK": "is OK again", "INSUFFICIENT_DATA": "has too little data"}


@dataclass(frozen=True, slots=True)
class Notification:
    """Something that happened at ``time`` (Unix seconds). Its ``id`` stays, however often it is told."""

    id: str
    kind: str
    """``alarm``, ``job`` or ``rule``."""
    gravity: str
    """``bad``, ``warn``, ``good`` or ``quiet``."""
    time: float
    name: str
    """Of the alarm or the job."""
    state: str
    title: str
    detail: str


def notifications(stores: Stores, asked: Asked) -> dict[str, Any]:
    """The answer to ``/notifications``: what happened after ``since`` (of the last seven days where it is left out) of
    the ``kinds`` (with commas), the newest first.
    """
    now = time.time()
    since = asked.real("since", now - DEFAULT_SECONDS, 0)
    limit = asked.whole("limit", DEFAULT_LIMIT, 1, MOST)
    kinds = tuple(asked.choice_of("kinds", KINDS))
    found = happened(stores, asked.tenant, since, limit, kinds)
    return {"now": now, "notifications": [asdict(one) for one in found]}


def happened(
    stores: Stores, tenant: Tenant, since: float, limit: int = MOST, kinds: Sequence[str] = KINDS
) -> list[Notification]:
    """What happened after ``since`` (Unix seconds), the newest first."""
    found: list[Notification] = []
    if "alarm" in kinds:
        found += alarm_notifications(stores, tenant, since, limit)
    if "job" in kinds or "rule" in kinds:
        jobs, _ = stores.state.jobs.list(tenant, updated_after=since, sort="updated", limit=limit)
        found += [one for job in jobs for one in of_job(job)]
    if "rule" in kinds:
        found += _evaluations(stores, tenant, since, limit)
    wanted = (one for one in found if one.time > since and one.kind in kinds)
    return sorted(wanted, key=lambda one: (-one.time, one.id))[:limit]


def alarm_notifications(stores: Stores, tenant: Tenant, since: float, limit: int) -> list[Notification]:
    """Turns of the state of alarms after ``since``, the newest first."""
    items = stores.state.alarms.history.list(
        tenant, kinds=(METRIC, COMPOSITE), type=STATE, start=since, limit=limit
    )
    return list(_of_alarms(items))


def _of_alarms(items: Iterable[Item]) -> Iterable[Notification]:
    for item in items:
        new = json.loads(item.event.data).get("newState", {})
        state = str(new.get("stateValue", ""))
        yield Notification(
            f"alarm/{item.id}",
            "alarm",
            _GRAVITY.get(state, "quiet"),
            item.event.at,
            item.alarm,
            state,
            f"{item.alarm} {_ALARM_WORDS.get(state, state)}",
            str(new.get("stateReason", item.event.summary))[:LONGEST_DETAIL],
        )


def of_job(job: TrainingJob) -> Iterable[Notification]:
    """What there is to tell of a training job as it is now."""
    if job.status in TERMINAL and job.ended is not None:
        yield Notification(
            f"job/{job.name}/{job.status}/{job.ended:.3f}",
            "job",
            _GRAVITY[job.status],
            job.ended,
            job.name,
            job.status,
            f"{job.name} {job.status.lower()}",
            job.failure_reason[:LONGEST_DETAIL],
        )
    told = job.diagnosis
    if told is not None and told.status == "IssuesFound":
        yield _finding(f"rule/{job.name}/{told.changed:.3f}", told.changed, job.name, told.details)


def _evaluations(stores: Stores, tenant: Tenant, since: float, limit: int) -> Iterable[Notification]:
    """What the processing jobs found that evaluate SageMaker's rules."""
    ended, _ = stores.state.jobs.list(tenant, updated_after=since, sort="updated", limit=limit, kind=PROCESSING)
    found = [job for job in ended if job.output.startswith(CONDITION_MET) and job.ended is not None]
    requests = stores.state.jobs.requests(tenant, [job.name for job in found], PROCESSING)
    for job in found:
        training = str(requests.get(job.name, {}).get("TrainingJobArn", "")).rpartition("/")[2]
        if training and job.ended is not None:
            yield _finding(f"rule/{job.name}", job.ended, training, job.output.removeprefix(CONDITION_MET))


def _finding(id: str, at: float, job: str, details: str) -> Notification:
    first = details.partition("\n")[0][:LONGEST_DETAIL]
    return Notification(id, "rule", "warn", at, job, "IssuesFound", f"Something is wrong with {job}", first)
