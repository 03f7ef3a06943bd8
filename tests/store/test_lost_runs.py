"""Runs of which nothing is heard any more are given up, until they report again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from epochwatch.model.batch import Progress, Registration
from epochwatch.model.job import TrainingJob
from epochwatch.model.tenant import Tenant
from epochwatch.store.live import LiveFeed, LiveJob
from epochwatch.store.lost_runs import REASON, SILENT_SECONDS, LostRuns
from epochwatch.store.state import StateStore

NOW = 1_790_000_000.0
TENANT = Tenant()
RUN = "a" * 32


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateStore]:
    store = StateStore.open(f"sqlite:///{tmp_path / 'state.db'}")
    yield store
    store.close()


@pytest.fixture
def lost_runs(state: StateStore) -> LostRuns:
    """Listening since ``NOW``."""
    made = LostRuns(state, LiveFeed())
    made.run(NOW)
    return made


def register(state: StateStore, now: float = NOW) -> None:
    state.jobs.register(TENANT, Registration(RUN, "run", started=now), now)


def report(state: StateStore, now: float, status: str = "InProgress") -> TrainingJob:
    return state.jobs.progress(TENANT, Progress(RUN, status, now), now)


def job(state: StateStore) -> TrainingJob:
    found = state.jobs.get(TENANT, "run")
    assert found is not None
    return found


def test_a_silent_run_has_failed(state: StateStore, lost_runs: LostRuns) -> None:
    register(state)
    lost_runs.run(NOW + SILENT_SECONDS)
    assert (job(state).status, job(state).failure_reason) == ("Failed", REASON)


def test_a_run_that_reports_is_in_progress_however_long_it_takes(state: StateStore, lost_runs: LostRuns) -> None:
    register(state)
    for minute in range(0, 300, 10):
        report(state, NOW + 60 * minute)
        lost_runs.run(NOW + 60 * minute + 600)
    assert job(state).status == "InProgress"


def test_it_goes_on_when_it_reports_again(state: StateStore, lost_runs: LostRuns) -> None:
    register(state)
    lost_runs.run(NOW + 2 * SILENT_SECONDS)
    again = report(state, NOW + 3 * SILENT_SECONDS)
    assert (again.status, again.failure_reason, again.ended) == ("InProgress", "", None)
    assert report(state, NOW + 4 * SILENT_SECONDS, "Completed").status == "Completed"
    lost_runs.run(NOW + 9 * SILENT_SECONDS)
    assert job(state).status == "Completed"


def test_a_server_that_was_away_listens_first(state: StateStore) -> None:
    register(state, NOW - 9 * SILENT_SECONDS)
    started = LostRuns(state, LiveFeed())
    for second in range(0, int(SILENT_SECONDS), 60):
        started.run(NOW + second)
    assert job(state).status == "InProgress"
    started.run(NOW + SILENT_SECONDS)
    assert job(state).status == "Failed"


def test_a_created_job_is_its_runners_to_end(state: StateStore, lost_runs: LostRuns) -> None:
    state.jobs.create(TENANT, "run", {}, [], {}, NOW)
    lost_runs.run(NOW + 2 * SILENT_SECONDS)
    assert job(state).status == "InProgress"


def test_who_watches_is_told(state: StateStore) -> None:
    feed = LiveFeed()
    lost_runs = LostRuns(state, feed)
    lost_runs.run(NOW)
    register(state)
    watcher = feed.subscribe(TENANT)
    lost_runs.run(NOW + SILENT_SECONDS)
    (event,) = watcher.take()
    assert isinstance(event, LiveJob)
    assert event.record.status == "Failed"
