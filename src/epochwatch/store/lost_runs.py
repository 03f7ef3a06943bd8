"""Runs of which nothing is heard any more: their machine died, or lost its network for good."""

from dataclasses import dataclass
from typing import Final

from epochwatch.model.job import IN_PROGRESS, TrainingJob, given_up
from epochwatch.store.live import LiveFeed
from epochwatch.store.state import StateStore

SILENT_SECONDS: Final = 900.0
"""Agents report every ten seconds."""
REASON: Final = (
    "InternalServerError: nothing was heard of the training for 15 minutes. It goes on if it reports again."
)


@dataclass(slots=True)
class LostRuns:
    """Gives up what is silent, until it reports again. A server that was away itself listens for as long at first."""

    state: StateStore
    feed: LiveFeed
    _listening_since: float | None = None

    def run(self, now: float) -> None:
        """Look at everything that is in progress. Created jobs are their runners' to end."""
        if self._listening_since is None:
            self._listening_since = now
        if now - self._listening_since < SILENT_SECONDS:
            return

        def judged(job: TrainingJob) -> TrainingJob:
            return given_up(job, REASON, now) if _is_silent(job, now) else job

        for tenant, job in self.state.jobs.everywhere(IN_PROGRESS):
            if _is_silent(job, now):
                changed = self.state.jobs.change(tenant, job.name, judged)
                if changed is not None:
                    self.feed.publish_job(tenant, changed)


def _is_silent(job: TrainingJob, now: float) -> bool:
    return not job.created_by_api and now - job.updated >= SILENT_SECONDS
