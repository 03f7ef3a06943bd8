"""The training whose rule is evaluated, as the server describes it."""

import logging
import threading
from typing import Final

from epochwatch.client.http import Client, Refused
from epochwatch.debugger.places import open_place
from epochwatch.debugger.smdebug.layout import END_OF_JOB
from epochwatch.debugger.source import training_ended
from epochwatch.launchers.algorithms.debugger_rules.task import Task
from epochwatch.model.job import TERMINAL

LOOK_SECONDS: Final = 5.0
_LOG = logging.getLogger("epochwatch.rules")


def is_over(client: Client, training_job: str) -> bool:
    """Whether a training job has ended, or has been deleted since."""
    try:
        job = client.call("sagemaker", "SageMaker.DescribeTrainingJob", {"TrainingJobName": training_job})
    except Refused as error:
        return error.code == "ValidationException"
    return job["TrainingJobStatus"] in TERMINAL


class TrainingWatch:
    """Says in the trial that the training has ended where nobody else could: a job that failed before it began."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._client = Client(task.settings())
        self._place = open_place(task.tensors)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="training", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                if is_over(self._client, self._task.training_job):
                    if not training_ended(self._place):
                        self._place.write(END_OF_JOB, [b""])
                    return
            except Exception as error:  # noqa: BLE001 - the server or S3 is away: the next look may find it
                _LOG.info("the training job cannot be looked at: %s", str(error).partition("\n")[0])
            self._stopped.wait(LOOK_SECONDS)
