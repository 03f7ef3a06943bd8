"""Alarms tried on past data, for those who make them."""

import time
import uuid
from typing import Any, Final

import msgspec

from epochwatch.console.requests import Asked, Refusal
from epochwatch.gateway.errors import validation_error
from epochwatch.gateway.models import operation_model
from epochwatch.gateway.shapes import WrongType, validate
from epochwatch.model.aws_error import AwsError
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.alarm_back_test import back_test
from epochwatch.store.stores import Stores

LONGEST_SECONDS: Final = 63 * 86_400
LARGEST_ALARM: Final = 200_000
"""Characters of its JSON."""


def tried_alarm(stores: Stores, asked: Asked) -> dict[str, Any]:
    """The answer to ``/alarms/back-test``: what the ``alarm``, the input of PutMetricAlarm in JSON, would have done
    over the last ``seconds``. Raises Refusal.
    """
    seconds = asked.whole("seconds", 86_400, 60, LONGEST_SECONDS)
    call = Call(asked.tenant, stores, uuid.uuid4().hex, time.time())
    try:
        found = back_test(call, _request(asked.text("alarm", most=LARGEST_ALARM)), seconds)
    except AwsError as error:
        raise Refusal(400, f"This cannot be an alarm: {error}") from error
    return {
        "period": found.period,
        "alarms": found.alarms,
        "turns": [{"time": turn.time, "state": turn.state.value} for turn in found.turns],
        "datapoints": sum(map(len, found.series)),
    }


def _request(text: str) -> dict[str, Any]:
    """The input of PutMetricAlarm, of the right types. Raises Refusal and AwsError."""
    operation = operation_model("cloudwatch", "PutMetricAlarm")
    assert operation is not None
    try:
        values, problems = validate("cloudwatch", operation.input_shape, msgspec.json.decode(text))
    except (msgspec.DecodeError, WrongType) as error:
        raise Refusal(400, f"This cannot be an alarm: {error}", "It is the input of PutMetricAlarm.") from error
    if problems:
        raise validation_error("cloudwatch", problems)
    return values
