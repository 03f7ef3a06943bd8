"""What needs somebody's attention, told to each console once."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from starlette.concurrency import run_in_threadpool

from epochwatch.console.notifications import Notification, alarm_notifications, of_job
from epochwatch.errors import EpochwatchError
from epochwatch.model.job import TrainingJob
from epochwatch.model.tenant import Tenant
from epochwatch.store.stores import Stores

LOOK_SECONDS: Final = 1.0
"""Time between two looks at what happened to alarms, which other servers may evaluate."""
LATE_SECONDS: Final = 60.0
"""How long ago something may have happened that is told as new: other clocks are behind, other servers slower."""
MOST_NOTICES: Final = 100


@dataclass(frozen=True, slots=True)
class _Look:
    begun: float
    found: "asyncio.Task[list[Notification]]"


class AlarmNews:
    """What happened to alarms lately, looked up once for all who watch. For one event loop."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._looks: dict[Tenant, _Look] = {}

    async def lately(self, tenant: Tenant) -> list[Notification]:
        """What happened to the alarms of ``tenant``, as it was no longer than LOOK_SECONDS ago."""
        look, now = self._looks.get(tenant), time.monotonic()
        if look is None or now - look.begun >= LOOK_SECONDS:
            look = _Look(now, asyncio.create_task(run_in_threadpool(self._look, tenant)))
            self._looks[tenant] = look
        # One who hangs up takes the answer from nobody else.
        return await asyncio.shield(look.found)

    def _look(self, tenant: Tenant) -> list[Notification]:
        try:
            return alarm_notifications(self._stores, tenant, time.time() - LATE_SECONDS, MOST_NOTICES)
        except EpochwatchError:
            return []  # the stores are closing or busy: it is told the next time


class Attention:
    """What one console was told."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def news(self, jobs: Iterable[TrainingJob], alarms: Iterable[Notification]) -> list[dict[str, Any]]:
        """What happened lately to these jobs and alarms and was not told yet, the oldest first."""
        since = time.time() - LATE_SECONDS
        found = [*(one for job in jobs for one in of_job(job)), *alarms]
        new = [one for one in found if one.time >= since and one.id not in self._told]
        self._told.update(one.id for one in new)
        return [asdict(one) for one in sorted(new, key=lambda one: one.time)]
