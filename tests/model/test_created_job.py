"""The life of a created job: which state may follow which, and what a runner's words change."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochwatch.model.created_job import (
    ENDS,
    FOLLOWERS,
    advance_created,
    created_job,
    stopped_waiting,
    stopping,
)
from epochwatch.model.job import PROCESSING, TRAINING, TrainingJob
from epochwatch.model.launch import JobProgress

NOW = 1_795_200_000.0
FRESH = created_job(TRAINING, "job", NOW)


def told(sequence: int, status: str, **more: object) -> JobProgress:
    more = {"time": NOW + sequence, "attempt": 1} | more
    return JobProgress("1" * 12, "us-east-1", "job", sequence=sequence, secondary_status=status, **more)


def after(*statuses: str, job: TrainingJob = FRESH, **last: object) -> TrainingJob:
    first = job.sequence + 1
    for number, status in enumerate(statuses, first):
        more = last if number - first == len(statuses) - 1 else {}
        job = advance_created(TRAINING, job, told(number, status, **more), NOW + number)
    return job


def ways(job: TrainingJob) -> list[str]:
    return [transition.status for transition in job.transitions]


def test_a_new_job_waits() -> None:
    assert (FRESH.status, FRESH.secondary_status) == ("InProgress", "Starting")
    assert [(t.status, t.end, t.message) for t in FRESH.transitions] == [
        ("Starting", None, "Starting the training job")
    ]
    assert FRESH.training_started is None


def test_the_usual_way_of_a_job() -> None:
    job = after("Pending", "Downloading", "Training", "Uploading", "Completed", artifacts="s3://b/m", exit_code=0)
    assert ways(job) == ["Starting", "Pending", "Downloading", "Training", "Uploading", "Completed"]
    assert (job.status, job.secondary_status, job.artifacts, job.exit_code) == (
        "Completed", "Completed", "s3://b/m", 0,
    )  # fmt: skip
    assert [t.message for t in job.transitions][1:] == [
        "Training job waiting for capacity",
        "Downloading input data",
        "Training image download completed. Training in progress.",
        "Uploading generated training model",
        "Training job completed",
    ]
    assert (job.created, job.training_started, job.ended) == (NOW, NOW + 2, NOW + 5)
    assert all(a.end == b.start for a, b in zip(job.transitions, job.transitions[1:], strict=False))
    assert job.transitions[-1].end == NOW + 5


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("Failed", "Failed"),
        ("Stopped", "Stopped"),
        ("MaxRuntimeExceeded", "Stopped"),
        ("MaxWaitTimeExceeded", "Stopped"),
    ],
)
def test_each_end_has_its_status_and_only_a_failure_its_reason(end: str, status: str) -> None:
    job = after("Training", end, failure_reason="AlgorithmError: " + "x" * 2000)
    assert (job.status, job.secondary_status) == (status, end)
    assert len(job.failure_reason) == (1024 if end == "Failed" else 0)


def test_another_message_of_the_same_state_makes_no_transition() -> None:
    job = after("Starting", message="Preparing the instances for training")
    assert [(t.status, t.message) for t in job.transitions] == [
        ("Starting", "Preparing the instances for training")
    ]


def test_a_job_that_was_interrupted_goes_the_way_again() -> None:
    job = after("Training", "Interrupted", "Restarting", "Downloading", "Training", "Uploading", "Completed")
    assert ways(job)[2:5] == ["Interrupted", "Restarting", "Downloading"]
    assert job.training_started == NOW + 1


def test_no_word_counts_twice_and_none_that_is_old() -> None:
    job = after("Downloading", "Training")
    for word in (told(1, "Downloading"), told(2, "Training"), told(9, "Failed", attempt=0)):
        assert advance_created(TRAINING, job, word, NOW + 99) is job
    ended = after("Completed", job=job)
    assert advance_created(TRAINING, ended, told(50, "Failed"), NOW + 99) is ended


def test_a_stop_shows_at_once_and_only_the_upload_after_it() -> None:
    job = stopping(TRAINING, after("Training"), NOW + 5)
    assert (job.status, job.secondary_status) == ("Stopping", "Stopping")
    assert stopping(TRAINING, job, NOW + 6) is job
    job = after("Interrupted", "Restarting", "Uploading", job=job)
    assert (job.status, ways(job)) == ("Stopping", ["Starting", "Training", "Stopping", "Uploading"])
    job = after("Interrupted", "Stopped", job=job)
    assert (job.status, ways(job)[-2:]) == ("Stopped", ["Uploading", "Stopped"])


def test_a_job_that_waits_is_stopped_at_once() -> None:
    job = stopped_waiting(TRAINING, FRESH, NOW + 3)
    assert (job.status, ways(job), job.ended) == ("Stopped", ["Starting", "Stopping", "Stopped"], NOW + 3)


@pytest.mark.parametrize(
    ("first", "then"), [("Training", "Downloading"), ("Uploading", "Training"), ("Training", "Pending")]
)
def test_no_state_comes_before_its_time(first: str, then: str) -> None:
    with pytest.raises(ValueError, match=f"is {first} cannot become {then}"):
        after(first, then)


def test_an_unknown_state_is_refused() -> None:
    with pytest.raises(ValueError, match="no secondary status 'Dreaming'"):
        after("Dreaming")


def test_a_processing_job_speaks_of_processing() -> None:
    job = created_job(PROCESSING, "job", NOW)
    job = advance_created(PROCESSING, job, told(1, "Completed"), NOW)
    assert [t.message for t in job.transitions] == ["Starting the processing job", "Processing job completed"]
    assert job.log_group == "/aws/sagemaker/ProcessingJobs"


@given(st.lists(st.tuples(st.sampled_from(sorted(FOLLOWERS) + sorted(ENDS)), st.integers(-50, 50), st.booleans())))
def test_whatever_is_told_the_record_stays_sound(words: list[tuple[str, int, bool]]) -> None:
    job = FRESH
    for number, (status, shift, stop) in enumerate(words, 1):
        if stop:
            job = stopping(TRAINING, job, NOW + number)
        try:
            job = advance_created(TRAINING, job, told(number, status, time=NOW + number + shift), NOW + number)
        except ValueError:
            continue
        assert job.secondary_status == job.transitions[-1].status
        assert (job.ended is not None) == (job.status in ("Completed", "Failed", "Stopped"))
        assert job.status == ENDS.get(job.secondary_status, job.status)
        assert all(a.end == b.start >= a.start for a, b in zip(job.transitions, job.transitions[1:], strict=False))
        again = advance_created(TRAINING, job, told(number, status), NOW)
        assert replace(again, updated=job.updated) == job
