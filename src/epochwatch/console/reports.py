"""Reports of jobs' profiles: one is made at a time, and kept as long as nothing can have changed."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from epochwatch.console.requests import Refusal, no_such_job
from epochwatch.model.job import TERMINAL, TrainingJob
from epochwatch.model.tenant import Tenant
from epochwatch.profiler.profile import Profile
from epochwatch.profiler.report.page import page
from epochwatch.profiler.report.reported import reported
from epochwatch.store.profiles import profile_of
from epochwatch.store.stores import Stores

KEPT: Final = 16
LEAST_SECONDS: Final = 10.0
"""A report of a training that goes on is made again after so long at the earliest."""
COST_FACTOR: Final = 20
"""And after so many times what it took: a server spends a twentieth of a core on one, if somebody always looks."""
SETTLED_SECONDS: Final = 120.0
"""After the end of a job its agents have sent what there is."""
WAIT_SECONDS: Final = 120.0
MOST_WAITING: Final = 4
"""Who would be one more is refused: those who wait hold a thread of the server each."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was made."""

    page: bytes
    json: bytes


@dataclass(frozen=True, slots=True)
class _Kept:
    report: Report
    created: float
    """Of the job: another one of its name is another job."""
    final: bool
    good_until: float


@dataclass(slots=True)
class Reports:
    """Of all tenants. Safe for threads."""

    stores: Stores
    clock: Callable[[], float] = time.time
    _kept: OrderedDict[tuple[Tenant, str], _Kept] = field(default_factory=OrderedDict)
    _making: threading.Lock = field(default_factory=threading.Lock)
    _places: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(1 + MOST_WAITING))

    def of(self, tenant: Tenant, name: str) -> Report:
        """The report of a job. Raises Refusal where there is none, or while others are made."""
        known = self._known(tenant, name)
        if known is not None:
            return known
        if not self._places.acquire(blocking=False):
            raise _busy()
        try:
            if not self._making.acquire(timeout=WAIT_SECONDS):
                raise _busy()
            try:
                return self._known(tenant, name) or self._made(tenant, name)
            finally:
                self._making.release()
        finally:
            self._places.release()

    def _known(self, tenant: Tenant, name: str) -> Report | None:
        kept, job = self._kept.get((tenant, name)), self._job(tenant, name)
        if kept is None or kept.created != job.created or not (kept.final or self.clock() < kept.good_until):
            return None
        return kept.report

    def _made(self, tenant: Tenant, name: str) -> Report:
        job, begin = self._job(tenant, name), time.monotonic()
        profile: Profile = profile_of(self.stores, tenant, name)
        summary = reported(profile)
        report = Report(page(summary).encode(), summary.to_json())
        settled = job.status in TERMINAL and self.clock() > (job.ended or job.updated) + SETTLED_SECONDS
        rest = max(LEAST_SECONDS, COST_FACTOR * (time.monotonic() - begin))
        self._kept[tenant, name] = _Kept(report, job.created, settled, self.clock() + rest)
        self._kept.move_to_end((tenant, name))
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return report

    def _job(self, tenant: Tenant, name: str) -> TrainingJob:
        job: TrainingJob | None = self.stores.state.jobs.get(tenant, name)
        if job is None:
            raise no_such_job(name)
        return job


def _busy() -> Refusal:
    return Refusal(503, "Other reports are being made.", "Try again in a moment.")
