"""A job's directory: what was written is whole, and one process at a time is at work in it."""

import threading
import time
from pathlib import Path

from epochwatch.launchers.directory import JobDirectory, taken
from epochwatch.launchers.plan import JobHost, LocalImage, Plan
from epochwatch.model.launch import JobProgress
from epochwatch.model.tenant import Tenant

KEY = {"access_key_id": "AKID", "secret_access_key": "secret"}


def plan(created: float) -> Plan:
    return Plan(
        account="123456789012",
        region="us-east-1",
        job="job",
        arn="arn",
        created=created,
        request={"a": [1]},
        image=LocalImage("process"),
        hosts=[JobHost("algo-1", "ml.m5.large")],
        endpoint="http://127.0.0.1:4600",
        s3_endpoint="http://127.0.0.1:4600",
        home="/home",
    )


def test_a_job_that_is_started_again_keeps_its_directory_and_a_new_one_of_its_name_does_not(
    tmp_path: Path,
) -> None:
    job = JobDirectory.of(tmp_path, Tenant(), "job")
    job.create(plan(1.0), KEY)
    job.ask("stop")

    job.create(plan(1.0), KEY)
    assert job.asked("stop")
    job.create(plan(2.0), KEY)
    assert not job.asked("stop")
    assert (job.plan(), job.credentials()) == (plan(2.0), KEY)


def test_the_key_is_for_its_owner_only(tmp_path: Path) -> None:
    job = JobDirectory.of(tmp_path, Tenant(), "job")
    job.create(plan(1.0), KEY)

    assert (job.path / "credentials.json").stat().st_mode & 0o777 == 0o600
    assert job.path.stat().st_mode & 0o777 == 0o700


def test_changes_are_told_in_order_until_they_are_sent(tmp_path: Path) -> None:
    job = JobDirectory.of(tmp_path, Tenant(), "job")
    job.create(plan(1.0), KEY)
    for sequence in (2, 1, 10):
        job.tell(JobProgress("123456789012", "us-east-1", "job", 1, sequence, "Training", 0.0))

    assert [progress.sequence for _, progress in job.untold()] == [1, 2, 10]
    first = next(job.untold())[0]
    first.rename(first.with_suffix(".sent"))
    assert [progress.sequence for _, progress in job.untold()] == [2, 10]


def test_a_look_at_a_runners_lock_does_not_keep_the_runner_from_it(tmp_path: Path) -> None:
    job = JobDirectory.of(tmp_path, Tenant(), "job")
    job.create(plan(1.0), KEY)
    looking = threading.Event()

    def look() -> None:
        with job.lock() as lock:
            assert lock.take(wait=False)
            looking.set()
            time.sleep(0.1)

    thread = threading.Thread(target=look)
    thread.start()
    looking.wait()
    with job.lock() as lock:
        assert taken(lock)
        assert job.running()
        with job.lock() as other:
            assert not taken(other)
    thread.join()
    assert not job.running()
