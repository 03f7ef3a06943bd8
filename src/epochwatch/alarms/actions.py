"""Performs what alarms call for."""

import json
import logging
from collections.abc import Callable
from typing import Final

from epochwatch.alarms.observations import call_of
from epochwatch.model.aws_error import AwsError
from epochwatch.services.call import Call
from epochwatch.services.sagemaker.training_job_changes import stop_training_job
from epochwatch.store.state.alarm_history import ACTION, Event
from epochwatch.store.state.alarm_outbox import Action
from epochwatch.store.stores import Stores

logger = logging.getLogger(__name__)

AT_ONCE: Final = 100
"""Actions of one round."""
MOST_ATTEMPTS: Final = 8
FIRST_PAUSE: Final = 5.0
"""Seconds until an action that failed for no reason of its own is tried again; twice as many each time."""


class CannotBePerformedError(Exception):
    """The action cannot succeed, however often it is tried; the message says why."""


def perform_due_actions(stores: Stores, now: float) -> int:
    """Perform what is due, each action at least once, and tell in the alarm's history how it ended; how many were
    tried.
    """
    due = stores.state.alarms.outbox.due(now, AT_ONCE)
    for action in due:
        _perform(stores, action, now)
    return len(due)


def _perform(stores: Stores, action: Action, now: float) -> None:
    outbox = stores.state.alarms.outbox
    try:
        _performer(action.arn)(call_of(stores, action.tenant, now), action.arn)
    except (CannotBePerformedError, AwsError) as refusal:
        outbox.done(action, _event(action, now, str(refusal)))
    except Exception as error:
        logger.exception("the action %s of the alarm %s failed", action.arn, action.alarm)
        if action.attempts + 1 < MOST_ATTEMPTS:
            outbox.later(action, now + FIRST_PAUSE * 2**action.attempts)
        else:
            outbox.done(action, _event(action, now, f"it failed {MOST_ATTEMPTS} times: {type(error).__name__}"))
    else:
        outbox.done(action, _event(action, now, None))


def _performer(arn: str) -> Callable[[Call, str], None]:
    _, _, service, _, _, resource = arn.split(":", 5)
    if service == "epochwatch" and resource.startswith("stop-training-job/"):
        return _stop_training_job
    return _unavailable


def _stop_training_job(call: Call, arn: str) -> None:
    """``arn:aws:epochwatch:REGION:ACCOUNT:stop-training-job/NAME``."""
    stop_training_job(call, {"TrainingJobName": arn.partition("/")[2]})


def _unavailable(_: Call, arn: str) -> None:
    service = arn.split(":")[2]
    raise CannotBePerformedError(f"this server has no {service} to perform it")


def _event(action: Action, now: float, error: str | None) -> Event:
    told = {"actionState": "Succeeded" if error is None else "Failed", "notificationResource": action.arn}
    if error is not None:
        told["error"] = error
    done = "Successfully executed" if error is None else "Failed to execute"
    data = json.dumps({"version": "1.0", **told}, separators=(",", ":"))
    return Event(now, ACTION, f"{done} action {action.arn}", data)
