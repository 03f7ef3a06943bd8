"""Evaluates alarms on PromQL queries: each series of the result contributes to the alarm's state."""

import hashlib
import json
import logging
import time
from dataclasses import asdict, replace
from typing import Any, Final

from epochwatch.model.alarm.contributors import Contributor, advance
from epochwatch.model.alarm.reasons import number, timestamp
from epochwatch.model.alarm.state import State
from epochwatch.model.periods import MINUTE
from epochwatch.model.promql.errors import PromqlError
from epochwatch.model.promql.evaluator import Evaluator
from epochwatch.model.promql.expressions import parse
from epochwatch.model.promql.vectors import Vector
from epochwatch.services.cloudwatch.alarm_descriptions import EVALUATION_STATE
from epochwatch.services.cloudwatch.alarm_transitions import transition
from epochwatch.services.cloudwatch.alarms import CONTRIBUTORS, WARM, WARM_UP_FROM
from epochwatch.store.promql import MetricSource
from epochwatch.store.state.alarms import Alarm, Change
from epochwatch.store.stores import Stores

logger = logging.getLogger(__name__)

MOST_CONTRIBUTORS: Final = 500
LONGEST_SECONDS: Final = 5
"""How long one query may take."""
_SHOWN: Final = 5


def evaluate_promql_alarm(stores: Stores, alarm: Alarm, now: float) -> Change | None:
    """The change of an alarm on a PromQL query; None where all stays as it is."""
    progress = dict(alarm.progress)
    failure = progress.pop(EVALUATION_STATE, None)
    if not _is_warm(alarm, progress, now):
        return None
    criteria = alarm.definition["EvaluationCriteria"]["PromQLCriteria"]
    try:
        found = _breaching(stores, alarm, criteria["Query"], now)
    except PromqlError as error:
        how = "EVALUATION_FAILURE" if error.kind == "timeout" else "EVALUATION_ERROR"
        if failure == how:
            return None
        progress[EVALUATION_STATE] = how
        return transition(alarm, alarm.state, error.message, alarm.reason_data, now, progress=progress)
    if len(found) > MOST_CONTRIBUTORS:
        progress[EVALUATION_STATE] = "PARTIAL_DATA"
        found = dict(sorted(found.items())[:MOST_CONTRIBUTORS])
    known = {id: Contributor(**one) for id, one in progress.get(CONTRIBUTORS, {}).items()}
    after = advance(known, found, now, criteria.get("PendingPeriod", 0), criteria.get("RecoveryPeriod", 0))
    progress[CONTRIBUTORS] = {id: asdict(one) for id, one in after.items()}
    alarmed = {id: one for id, one in after.items() if one.alarmed is not None}
    state = State.ALARM if alarmed else State.OK
    if state is alarm.state:
        return None if progress == alarm.progress else Change(alarm, replace(alarm, progress=progress))
    words, data = _reason(alarmed), _data(criteria["Query"], alarmed, now)
    return transition(alarm, state, words, data, now, progress=progress)


def _is_warm(alarm: Alarm, progress: dict[str, Any], now: float) -> bool:
    """Whether the alarm is evaluated already; ``progress`` then says so. A query has no window that could be full
    earlier.
    """
    warm_up = alarm.definition.get("WarmUpConfiguration")
    if warm_up is None or progress.get(WARM):
        return True
    progress[WARM] = now >= progress[WARM_UP_FROM] + warm_up["WarmUpPeriodDurationInMinutes"] * MINUTE
    return bool(progress[WARM])


def _breaching(stores: Stores, alarm: Alarm, query: str, now: float) -> dict[str, Contributor]:
    """What the query returns at this moment, by id. Raises PromqlError."""
    moment = int(now * 1000)
    source = MetricSource(stores.metrics, alarm.tenant, lambda: now)
    value = Evaluator(source, moment, moment, 1, time.monotonic() + LONGEST_SECONDS).value(parse(query))
    if not isinstance(value, Vector):
        raise PromqlError("the query of an alarm must return an instant vector", "execution")
    found = {}
    for row, labels in enumerate(value.labels):
        if value.present[row, 0]:
            attributes = dict(labels)
            found[_id(attributes)] = Contributor(
                attributes, f"The value was {number(value.values[row, 0])}.", None
            )
    return found


def _id(attributes: dict[str, str]) -> str:
    text = json.dumps(attributes, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _reason(alarmed: dict[str, Contributor]) -> str:
    if not alarmed:
        return "No contributors are in ALARM."
    shown = [json.dumps(one.attributes, sort_keys=True) for one in list(alarmed.values())[:_SHOWN]]
    more = f" and {len(alarmed) - _SHOWN} more" if len(alarmed) > _SHOWN else ""
    what = "1 contributor is" if len(alarmed) == 1 else f"{len(alarmed)} contributors are"
    return f"{what} in ALARM: {', '.join(shown)}{more}."


def _data(query: str, alarmed: dict[str, Contributor], now: float) -> str:
    told = {"version": "1.0", "queryDate": timestamp(now), "query": query, "contributorsInAlarm": len(alarmed)}
    return json.dumps(told, separators=(",", ":"))
