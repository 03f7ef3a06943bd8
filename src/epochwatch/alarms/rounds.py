"""One round after another: which alarms are due, what becomes of them, and that is written down."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from epochwatch.alarms.composite_alarms import evaluate_composite_alarms
from epochwatch.alarms.metric_alarms import evaluate_metric_alarms
from epochwatch.alarms.promql_alarms import evaluate_promql_alarm
from epochwatch.alarms.templates import without_ended_jobs
from epochwatch.model.alarm.mute import Status
from epochwatch.model.tenant import Tenant
from epochwatch.services.cloudwatch.alarm_muting import MUTE_RULE, MUTED, muted, release, status_of, targets_of
from epochwatch.store.state.alarm_history import CONFIGURATION, STATE
from epochwatch.store.state.alarms import COMPOSITE, Alarm, Change
from epochwatch.store.stores import Stores

logger = logging.getLogger(__name__)

CAUGHT_UP: Final = 60
"""Seconds that a round makes up for: after them every alarm has had its turn."""


@dataclass(frozen=True, slots=True)
class Round:
    """What a round did."""

    evaluated: int
    changes: Sequence[Change]


class Rounds:
    """Evaluates the alarms of all tenants. All that it has to know from one round to the next is in the store; what
    is in memory only saves time.
    """

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._last: int | None = None
        self._seen = 0
        self._muting: dict[tuple[Tenant, str], list[str]] | None = None

    def run(self, now: float) -> Round:
        """Evaluate what came due since the last round, what was configured since, and the composite alarms that these
        concern. The first round evaluates everything.
        """
        second = int(now)
        first = second - CAUGHT_UP if self._last is None else max(self._last, second - CAUGHT_UP)
        everything = self._last is None
        self._last = second
        configured, concerned = self._news(everything)
        due = list(self._stores.state.alarms.due(range(first + 1, second + 1)))
        taken = {alarm.arn for alarm in due}
        due += [alarm for alarm in configured if alarm.arn not in taken]
        metric = [alarm for alarm in due if alarm.kind != COMPOSITE]
        metric = without_ended_jobs(self._stores, metric, now)
        made = self._made(self._judged(metric, now), now)
        for change in made:
            if change.after.state is not change.before.state:
                concerned[change.after.tenant].add(change.after.name)
        # What a composite alarm says changes with others; what a suppressor holds back, with time.
        for alarm in due:
            if everything or "ActionsSuppressor" in alarm.definition:
                concerned[alarm.tenant].add(alarm.name)
        for tenant, names in concerned.items():
            changes = evaluate_composite_alarms(self._stores, tenant, None if everything else names, now)
            made += self._made(changes, now)
        self._unmute(now)
        return Round(len(due), made)

    def _judged(self, alarms: Sequence[Alarm], now: float) -> list[Change]:
        promql = [alarm for alarm in alarms if "EvaluationCriteria" in alarm.definition]
        metric = [alarm for alarm in alarms if "EvaluationCriteria" not in alarm.definition]
        changes = evaluate_metric_alarms(self._stores, metric, now)
        for alarm in promql:
            try:
                change = evaluate_promql_alarm(self._stores, alarm, now)
            except Exception:
                logger.exception("the alarm %s could not be evaluated", alarm.arn)
                continue
            changes += [] if change is None else [change]
        return changes

    def _made(self, changes: Sequence[Change], now: float) -> list[Change]:
        return list(self._stores.state.alarms.apply(muted(self._stores, changes, now)))

    def _unmute(self, now: float) -> None:
        """Perform what mute rules kept back that have ended since the last round; in the first, all that waits."""
        rules = self._stores.state.resources.everywhere(MUTE_RULE, [""])
        muting = {
            (rule.tenant, rule.name): targets_of(rule) for rule in rules if status_of(rule, now) is Status.ACTIVE
        }
        if self._muting is None:
            for alarm in self._stores.state.alarms.remembering(MUTED):
                release(self._stores, alarm.tenant, [alarm.name], now)
        for key, targets in (self._muting or {}).items():
            if key not in muting:
                release(self._stores, key[0], targets, now)
        self._muting = muting

    def _news(self, everything: bool) -> tuple[list[Alarm], dict[Tenant, set[str]]]:
        """The alarms that were configured since the last round, and the names by tenant of those that were configured
        or changed their state; by whichever server.
        """
        concerned: dict[Tenant, set[str]] = defaultdict(set)
        if everything:
            self._seen = self._stores.state.alarms.history.newest()
            return [], concerned
        items = self._stores.state.alarms.history.since(self._seen, [CONFIGURATION, STATE])
        configured: dict[Tenant, set[str]] = defaultdict(set)
        for item in items:
            concerned[item.tenant].add(item.alarm)
            if item.event.type == CONFIGURATION:
                configured[item.tenant].add(item.alarm)
        self._seen = max([self._seen, *(item.id for item in items)])
        named = self._stores.state.alarms.named
        return [
            alarm for tenant, names in configured.items() for alarm in named(tenant, names).values()
        ], concerned
