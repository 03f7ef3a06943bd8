"""What needs somebody's attention, told to each console once."""

import asyncio
import time
from collections.abc import Iterable, Sequence
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
class Lately:
    """What happened to a tenant's alarms in the last LATE_SECONDS."""

    turns: Sequence[Notification] = ()
    newest: int = 0
    """The number of the last item of their history; 0 where there is none."""


@dataclass(frozen=True, slots=True)
class _Look:
    begun: float
    found: "asyncio.Task[Lately]"


class AlarmNews:
    """What happened to alarms lately, looked up once for all who watch. For one event loop."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._looks: dict[Tenant, _Look] = {}

    async def lately(self, tenant: Tenant) -> Lately:
        """What happened to the alarms of ``tenant``, as it was no longer than LOOK_SECONDS ago."""
        look, now = self._looks.get(tenant), time.monotonic()
        if look is None or now - look.begun >= LOOK_SECONDS:
            look = _Look(now, asyncio.create_task(run_in_threadpool(self._look, tenant)))
            self._looks[tenant] = look
        # One who hangs up takes the answer from nobody else.
        return await asyncio.shield(look.found)

    def _look(self, tenant: Tenant) -> Lately:
        since = time.time() - LATE_SECONDS
        try:
            newest = self._stores.state.alarms.history.newest_since(tenant, since)
            return Lately(alarm_notifications(self._stores, tenant, since, MOST_NOTICES) if newest else (), newest)
        except EpochwatchError:
            return Lately()  # the stores are closing or busy: it is told the next time


class Attention:
    """What one console was told."""

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._newest = 0

    def moved(self, newest: int) -> bool:
        """Whether something happened to alarms that was not told yet, by the number of the last item of their
        history.
        """
        before, self._newest = self._newest, max(self._newest, newest)
        return self._newest > before

    def news(self, jobs: Iterable[TrainingJob], alarms: Iterable[Notification]) -> list[dict[str, Any]]:
        """What happened lately to these jobs and alarms and was not told yet, the oldest first."""
        since = time.time() - LATE_SECONDS
        found = [*(one for job in jobs for one in of_job(job)), *alarms]
        new = [one for one in found if one.time >= since and one.id not in self._told]
        self._told.update(one.id for one in new)
        return [asdict(one) for one in sorted(new, key=lambda one: one.time)]
