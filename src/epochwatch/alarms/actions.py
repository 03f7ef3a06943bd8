"""Performs what alarms call for."""

import json
import logging
import time
import uuid
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from epochwatch.alarms.commands import read_commands, run
from epochwatch.delivery.due_work import DueWork, Task
from epochwatch.errors import UsageError
from epochwatch.model.alarm.notification_text import subject, text
from epochwatch.model.aws_error import AwsError
from epochwatch.model.sns.notification import NOTIFICATION, Notification
from epochwatch.model.tenant import Tenant
from epochwatch.services.cloudwatch.alarm_observations import call_of
from epochwatch.services.sagemaker.training_job_changes import stop_training_job
from epochwatch.services.sns.publishing import wants
from epochwatch.store.state.alarm_history import ACTION, Event
from epochwatch.store.state.alarm_outbox import Action
from epochwatch.store.stores import Stores

if TYPE_CHECKING:
    from sqlalchemy import Connection

logger = logging.getLogger(__name__)

DUTY: Final = "alarm-actions"
LOOKED_AT: Final = 1000
"""Actions that are due of which the next are chosen."""
MOST_ATTEMPTS: Final = 8
FIRST_PAUSE: Final = 5.0
"""Seconds until an action that failed for no reason of its own is tried again; twice as many each time."""
LONGEST_HISTORY: Final = 4095

Told = dict[str, Any]


class CannotBePerformedError(Exception):
    """The action cannot succeed, however often it is tried. The message says why, ``told`` what else there is to
    tell.
    """

    def __init__(self, message: str, told: Told | None = None) -> None:
        super().__init__(message)
        self.told = told or {}


class ActionPerformer:
    """Performs what is due in threads of its own, until it is stopped: each action at least once. The alarm's history
    tells how it ended. ``commands`` is the file of the commands that alarms may run, ``directory`` where they do.
    """

    def __init__(
        self, stores: Stores, commands: Path, directory: Path, clock: Callable[[], float] = time.time
    ) -> None:
        self._stores = stores
        self._commands = commands
        self._directory = directory
        self._clock = clock
        self._outbox = stores.state.alarms.outbox
        self._work = DueWork(stores.state, DUTY, self.due, added=self._outbox.added, clock=clock)

    def start(self) -> None:
        """Begin."""
        self._work.start()

    def stop(self) -> None:
        """End; what is under way has a moment to finish."""
        self._work.stop()

    def due(self, now: float, busy: Collection[str], limit: int) -> Sequence[Task]:
        """What is to be performed by now; of what one alarm wants of one place, the oldest first."""
        chosen: dict[str, Task] = {}
        for action in self._outbox.due(now, LOOKED_AT) if limit > 0 else ():
            tenant = action.tenant
            key = "\n".join((tenant.account, tenant.region, action.alarm, action.arn))
            if key not in busy and key not in chosen and len(chosen) < limit:
                chosen[key] = Task(key, partial(self._perform, action))
        return list(chosen.values())

    def _perform(self, action: Action) -> None:
        try:
            told = self._performed(action)
        except CannotBePerformedError as refusal:
            self._done(action, str(refusal), refusal.told)
        except AwsError as refusal:
            self._done(action, str(refusal))
        except Exception as error:
            logger.exception("the action %s of the alarm %s failed", action.arn, action.alarm)
            if action.attempts + 1 < MOST_ATTEMPTS:
                self._outbox.later(action, self._clock() + FIRST_PAUSE * 2**action.attempts)
            else:
                self._done(action, f"it failed {MOST_ATTEMPTS} times: {type(error).__name__}")
        else:
            if told is not None:
                self._done(action, None, told)

    def _performed(self, action: Action) -> Told | None:
        """What there is to tell of the action; None where that is told already."""
        _, _, service, _, _, resource = action.arn.split(":", 5)
        if service == "sns":
            self._publish(action, self._clock())
            return None
        kind = resource.partition("/")[0]
        if service == "epochwatch" and kind == "stop-training-job":
            return self._stop_training_job(action)
        if service == "epochwatch" and kind == "run-command":
            return self._run_command(action)
        raise CannotBePerformedError(f"this server has no {service} to perform it")

    def _done(self, action: Action, error: str | None, told: Told | None = None) -> None:
        self._outbox.done(action, _event(action, self._clock(), error, told))

    def _publish(self, action: Action, now: float) -> None:
        """To a topic: the action is done and its deliveries are there, both or neither."""
        _, _, _, region, account, topic = action.arn.split(":", 5)
        if account != action.tenant.account:
            raise CannotBePerformedError("the topic belongs to another account")
        message = json.loads(action.message)
        notification = Notification(
            id=str(uuid.uuid4()),
            type=NOTIFICATION,
            topic=action.arn,
            message=action.message,
            published=now,
            subject=subject(message),
            by_protocol={"email": text(message)},
        )
        published = {"publishedMessage": json.dumps({"default": action.message}, separators=(",", ":"))}
        topics, tenant = self._stores.state.topics, Tenant(account, region)

        def publish(connection: "Connection") -> Event:
            if topics.publish(tenant, topic, [notification], wants, now, connection):
                return _event(action, now, None, published)
            return _event(action, now, f"Resource: {action.arn} does not exist")

        self._outbox.perform(action, publish)

    def _stop_training_job(self, action: Action) -> Told:
        """``arn:aws:epochwatch:REGION:ACCOUNT:stop-training-job/NAME``."""
        call = call_of(self._stores, action.tenant, self._clock())
        stop_training_job(call, {"TrainingJobName": action.arn.partition("/")[2]})
        return {}

    def _run_command(self, action: Action) -> Told:
        """``arn:aws:epochwatch:REGION:ACCOUNT:run-command/NAME``."""
        name = action.arn.partition("/")[2]
        try:
            command = read_commands(self._commands).get(name)
        except UsageError as error:
            raise CannotBePerformedError(str(error)) from error
        if command is None:
            raise CannotBePerformedError(f"{self._commands} has no command [{name}]")
        try:
            outcome = run(command, action.message, self._directory)
        except OSError as error:
            raise CannotBePerformedError(f"{command.words[0]} cannot be started: {error.strerror}") from error
        told: Told = {"exitStatus": outcome.status, "output": outcome.output}
        if outcome.status is None:
            raise CannotBePerformedError(f"it took longer than {command.seconds:g} seconds", told)
        if outcome.status:
            raise CannotBePerformedError(f"its exit status was {outcome.status}", told)
        return told


def _event(action: Action, now: float, error: str | None, told: Told | None = None) -> Event:
    """What the history tells of an action, as CloudWatch words it."""
    summary = f"Successfully executed action {action.arn}"
    if error is not None:
        summary = f'Failed to execute action {action.arn}. Received error: "{error}"'
    data = {
        "actionState": "Succeeded" if error is None else "Failed",
        "notificationResource": action.arn,
        **({} if error is None else {"error": error}),
        **(told or {}),
    }
    written = json.dumps(data, separators=(",", ":"))
    if len(written) > LONGEST_HISTORY:
        data.pop("publishedMessage", None)
        written = json.dumps(data, separators=(",", ":"))
    return Event(now, ACTION, summary, written)
