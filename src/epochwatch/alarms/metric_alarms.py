"""Evaluates alarms on metrics and on what is computed from them."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from epochwatch.model.alarm.evaluation import Condition, Verdict, evaluate
from epochwatch.model.alarm.reasons import reason, reason_data
from epochwatch.model.alarm.state import State
from epochwatch.model.aws_error import AwsError
from epochwatch.model.periods import MINUTE
from epochwatch.services.cloudwatch.alarm_descriptions import EVALUATION_STATE
from epochwatch.services.cloudwatch.alarm_observations import (
    Watched,
    condition_of,
    is_uncertain,
    observe_metrics,
    observe_queries,
)
from epochwatch.services.cloudwatch.alarm_transitions import transition
from epochwatch.services.cloudwatch.alarms import WARM, WARM_UP_FROM
from epochwatch.store.state.alarms import Alarm, Change
from epochwatch.store.stores import Stores

logger = logging.getLogger(__name__)

PARTIAL: Final = "PARTIAL_DATA"
ERROR: Final = "EVALUATION_ERROR"
FAILURE: Final = "EVALUATION_FAILURE"
_WORST_FIRST: Final = (State.ALARM, State.OK, State.INSUFFICIENT_DATA)


def evaluate_metric_alarms(stores: Stores, alarms: Sequence[Alarm], now: float) -> list[Change]:
    """The changes of those alarms on metrics that change."""
    changes = []
    for watched in _observed(stores, alarms, now):
        change = watched if isinstance(watched, Change) else _judged(watched, now)
        if change is not None:
            changes.append(change)
    return changes


def _observed(stores: Stores, alarms: Sequence[Alarm], now: float) -> Iterator[Watched | Change]:
    """What each alarm sees; that it could see nothing, where it is new that its evaluation fails."""
    single = [alarm for alarm in alarms if "Metrics" not in alarm.definition]
    yield from observe_metrics(stores, single, now)
    for alarm in alarms:
        if "Metrics" not in alarm.definition:
            continue
        try:
            yield observe_queries(stores, alarm, now)
        except AwsError as error:
            yield from _failed(alarm, ERROR, str(error), now)
        except Exception as error:
            logger.exception("the alarm %s could not be evaluated", alarm.arn)
            yield from _failed(alarm, FAILURE, f"The evaluation failed: {type(error).__name__}", now)


def _failed(alarm: Alarm, how: str, why: str, now: float) -> Iterator[Change]:
    if alarm.progress.get(EVALUATION_STATE) != how:
        progress = {**alarm.progress, EVALUATION_STATE: how}
        yield transition(alarm, alarm.state, why, alarm.reason_data, now, progress=progress)


def _judged(watched: Watched, now: float) -> Change | None:
    """The alarm's change by what it saw; None where all stays as it is."""
    alarm, definition = watched.alarm, watched.alarm.definition
    condition = condition_of(definition)
    progress = _progress(alarm, condition, watched, now)
    if progress is None:
        return None
    uncertain = is_uncertain(definition, watched.series[0][-condition.periods :])
    verdict = None if uncertain else _worst(condition, watched, alarm.state)
    if verdict is None or verdict.state is alarm.state:
        return None if progress == alarm.progress else Change(alarm, replace(alarm, progress=progress))
    counted = "DatapointsToAlarm" in definition
    words = reason(condition, verdict, alarm.state, counted=counted)
    times = [window.start for window in reversed(watched.windows)][: condition.periods]
    data = reason_data(condition, verdict, times, now, _described(definition, watched))
    text = json.dumps(data, separators=(",", ":"))
    return transition(alarm, verdict.state, words, text, now, progress=progress)


def _progress(alarm: Alarm, condition: Condition, watched: Watched, now: float) -> dict[str, Any] | None:
    """What the alarm remembers from now on; None while it is warming up."""
    progress = dict(alarm.progress)
    progress.pop(EVALUATION_STATE, None)
    if watched.partial:
        progress[EVALUATION_STATE] = PARTIAL
    warm_up: Mapping[str, Any] | None = alarm.definition.get("WarmUpConfiguration")
    if warm_up is None or progress.get(WARM):
        return progress
    over = now >= progress[WARM_UP_FROM] + warm_up["WarmUpPeriodDurationInMinutes"] * MINUTE
    if not over and not warm_up.get("OnlyStartEvaluatingAfterWarmUpPeriodEnds", False):
        over = all(None not in series[-condition.periods :] for series in watched.series)
    return progress | {WARM: True} if over else None


def _worst(condition: Condition, watched: Watched, state: State) -> Verdict:
    """The verdict on the series that is worst off."""
    verdicts = [evaluate(condition, series, state) for series in watched.series]
    return min(verdicts, key=lambda verdict: _WORST_FIRST.index(verdict.state))


def _described(definition: Mapping[str, Any], watched: Watched) -> dict[str, Any]:
    """What is watched, as StateReasonData says it."""
    told: dict[str, Any] = {}
    if "Unit" in definition:
        told["unit"] = definition["Unit"]
    statistic = definition.get("Statistic") or definition.get("ExtendedStatistic")
    if statistic is not None:
        told["statistic"] = statistic
    newest = watched.windows[-1]
    return told | {"period": definition.get("Period", newest.end - newest.start)}
