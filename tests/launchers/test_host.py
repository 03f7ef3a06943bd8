"""One host of a job: what reaches its training, and when."""

import subprocess
from pathlib import Path

from epochwatch.launchers.directory import JobDirectory
from epochwatch.launchers.host import Host
from epochwatch.model.tenant import Tenant
from tests.launchers.test_directory import KEY, plan


def test_a_stop_that_comes_before_the_training_reaches_it_as_soon_as_it_is_there(tmp_path: Path) -> None:
    job = JobDirectory.of(tmp_path, Tenant(), "job")
    todo = plan(1.0)
    job.create(todo, KEY)
    directory = job.host("algo-1", 1)
    directory.path.mkdir(parents=True)
    host = Host(job, todo, todo.hosts[0], 1, alone=True)
    directory.ask("terminate")

    host._attend()
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as training:
        (directory.path / "training.pid").write_text(str(training.pid))
        host._attend()
        try:
            assert training.wait(60) == -15
        finally:
            training.kill()
