"""``python3 -m epochwatch.launchers.algorithms.debugger_rules``: evaluates the rule that the environment names.

Exits with 0 when it has come to an end; what it found is the exit message. Else ``/opt/ml/output/failure`` says why.
"""

import logging
import os
import sys
import time
from collections.abc import Callable
from typing import Final

from obstore.exceptions import BaseError

from epochwatch.client.http import Client
from epochwatch.debugger.exceptions import MissingCollectionFiles, SMDebugError
from epochwatch.debugger.rules.limits import keep_within_limits
from epochwatch.errors import EpochwatchError
from epochwatch.launchers.algorithms.debugger_rules.actions import Actions
from epochwatch.launchers.algorithms.debugger_rules.evaluation import evaluate, opened_trials
from epochwatch.launchers.algorithms.debugger_rules.profiling import ProfileEvaluation
from epochwatch.launchers.algorithms.debugger_rules.task import Task, ml_of
from epochwatch.launchers.algorithms.debugger_rules.training import TrainingWatch, is_over

PAUSE_SECONDS: Final = 5.0
_SHARE_OF_MEMORY: Final = 0.5
_LOG = logging.getLogger("epochwatch.rules")
_NO_DATA: Final = (
    "No debugging data was saved by the training job. Check that the debugger hook was configured correctly before"
    " starting the training job."
)


def main() -> int:
    """The exit status."""
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(levelname)s %(message)s")
    keep_within_limits(_SHARE_OF_MEMORY)
    try:
        _see_through(Task.of(os.environ))
    except MissingCollectionFiles as error:
        return _failed(f"{_NO_DATA} Exception: {error}")
    except (SMDebugError, EpochwatchError) as error:
        return _failed(str(error))
    return 0


def _see_through(task: Task) -> None:
    if task.profile:
        client = Client(task.settings())
        actions = Actions.of(task, client)
        actions.subscribe()
        _until_s3_answers(lambda: _profile(task, client, actions))
        return
    watch = TrainingWatch(task)
    watch.start()
    try:
        actions = Actions.of(task, Client(task.settings()))
        actions.subscribe()
        _until_s3_answers(lambda: _run(task, actions))
    finally:
        watch.stop()


def _run(task: Task, actions: Actions) -> None:
    rule, outcome = evaluate(task, *opened_trials(task))
    _tell(outcome.message)
    if outcome.met:
        actions.perform(outcome.message, rule)


def _profile(task: Task, client: Client, actions: Actions) -> None:
    def met(message: str) -> None:
        _tell(message)
        actions.perform(message)

    def over() -> bool:
        try:
            return is_over(client, task.training_job)
        except EpochwatchError as error:  # the server is away: the next look may find it
            _LOG.info("the training job cannot be looked at: %s", str(error).partition("\n")[0])
            return False

    outcome = ProfileEvaluation(task, over).run(met)
    _tell(outcome.message)


def _tell(message: str) -> None:
    if message:
        _LOG.info("%s", message.rstrip())
        _write("message", message)


def _until_s3_answers(run: Callable[[], None]) -> None:
    """The same again where S3 was away for long: it is all still there."""
    while True:
        try:
            return run()
        except BaseError as error:
            _LOG.warning("S3 does not answer, the rule is evaluated anew: %s", str(error).partition("\n")[0])
            time.sleep(PAUSE_SECONDS)


def _failed(reason: str) -> int:
    _LOG.error("%s", reason)
    _write("failure", f"Customer Error: {reason}")
    return 1


def _write(name: str, text: str) -> None:
    """``message`` or ``failure``, where SageMaker looks for it."""
    (ml_of(os.environ) / "output" / name).write_text(text)


if __name__ == "__main__":
    sys.exit(main())
