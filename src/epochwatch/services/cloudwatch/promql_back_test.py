"""What an alarm on a PromQL query would have done."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from epochwatch.model.alarm.contributors import Contributor, advance
from epochwatch.model.alarm.evaluation import Observation
from epochwatch.model.alarm.state import State
from epochwatch.model.promql.errors import PromqlError
from epochwatch.model.promql.evaluator import Evaluator
from epochwatch.model.promql.expressions import parse
from epochwatch.model.promql.labels import NAME
from epochwatch.model.promql.vectors import Vector
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.errors import invalid_value
from epochwatch.services.cloudwatch.replays import MOST_PERIODS, BackTest, Seen, Turn
from epochwatch.store.promql import MetricSource

LONGEST_SECONDS: Final = 10
"""How long the query may take."""
MOST_VALUES: Final = 500_000
"""Series times evaluations."""


def back_test_promql(call: Call, definition: Mapping[str, Any], seconds: float) -> BackTest:
    """The alarm, evaluated each ``EvaluationInterval`` of the ``seconds`` before the call. Raises AwsError where the
    query has no answer.
    """
    criteria, every = definition["EvaluationCriteria"]["PromQLCriteria"], definition["EvaluationInterval"]
    end = int(call.now) // every * every
    count = min(max(int(seconds // every), 1), MOST_PERIODS)
    times = [end - back * every for back in range(count - 1, -1, -1)]
    series = _series(call, criteria["Query"], times, every)
    pending, recovery = criteria.get("PendingPeriod", 0), criteria.get("RecoveryPeriod", 0)
    known: dict[str, Contributor] = {}
    turns: list[Turn] = []
    for step, moment in enumerate(times):
        breaching = {one.label: Contributor({}, "", None) for one in series if one.observations[step] is not None}
        known = advance(known, breaching, moment, pending, recovery)
        alarmed = [label for label, one in known.items() if one.alarmed is not None]
        state = State.ALARM if alarmed else State.OK
        if not turns or turns[-1].state is not state:
            cause = next((one for one in series if one.label in alarmed), None)
            turns.append(
                Turn(moment, state, cause.observations[step], cause.label) if cause else Turn(moment, state)
            )
    return BackTest(every, turns, times, series)


def _series(call: Call, query: str, times: Sequence[int], every: int) -> list[Seen]:
    """What the query returns at those times."""
    source = MetricSource(call.stores.metrics, call.tenant, lambda: call.now)
    deadline = time.monotonic() + LONGEST_SECONDS
    try:
        value = Evaluator(source, times[0] * 1000, times[-1] * 1000, every * 1000, deadline).value(parse(query))
    except PromqlError as error:
        raise invalid_value(f"The Query has no answer: {error.message}") from error
    if not isinstance(value, Vector):
        raise invalid_value("The Query of an alarm must return an instant vector.")
    if len(value.labels) * len(times) > MOST_VALUES:
        raise invalid_value(
            f"The Query returns {len(value.labels)} series at {len(times)} times, which is too many to try: "
            "narrow it down, or take a shorter time."
        )
    return [
        Seen(
            _told(dict(labels)),
            [
                Observation(moment, float(value.values[row, step])) if value.present[row, step] else None
                for step, moment in enumerate(times)
            ],
        )
        for row, labels in enumerate(value.labels)
    ]


def _told(labels: Mapping[str, str]) -> str:
    others = ", ".join(f"{key}={value}" for key, value in sorted(labels.items()) if key != NAME)
    return f"{labels.get(NAME, '')}{{{others}}}"
