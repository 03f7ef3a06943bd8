"""What is left of ended jobs goes after a while; what is still needed stays."""

from pathlib import Path

import pytest

from epochwatch.launchers.directory import JobDirectory, RunnerState
from epochwatch.launchers.queue import KEEP_SECONDS, sweep
from epochwatch.model.launch import JobProgress
from epochwatch.model.tenant import Tenant
from tests.launchers.test_directory import plan


@pytest.mark.parametrize(
    ("status", "untold", "age", "kept"),
    [
        ("Completed", False, KEEP_SECONDS + 60, False),
        ("Failed", False, KEEP_SECONDS + 60, False),
        ("Completed", False, KEEP_SECONDS - 60, True),
        ("Completed", True, KEEP_SECONDS + 60, True),
        ("Training", False, KEEP_SECONDS + 60, True),
    ],
)
def test_directories_of_ended_jobs_are_deleted(
    tmp_path: Path, status: str, untold: bool, age: float, kept: bool
) -> None:
    job = JobDirectory.of(tmp_path, Tenant(), "job")
    (job.path / "progress").mkdir(parents=True)
    job.write_state(RunnerState(secondary_status=status))
    if untold:
        job.tell(JobProgress("123456789012", "us-east-1", "job", 1, 1, status, 0.0))
    written = (job.path / "runner.json").stat().st_mtime

    sweep(tmp_path, written + age, lambda _: True)

    assert job.path.exists() == kept


@pytest.mark.parametrize("status", ["Completed", "Training"])
def test_the_directory_of_a_deleted_job_does_not_wait(tmp_path: Path, status: str) -> None:
    job = JobDirectory.of(tmp_path, Tenant(), "job")
    job.create(plan(1.0), {})
    job.write_state(RunnerState(secondary_status=status))

    sweep(tmp_path, (job.path / "runner.json").stat().st_mtime, lambda _: False)

    assert job.path.exists() == (status == "Training")
